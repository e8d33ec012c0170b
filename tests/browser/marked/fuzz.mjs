// Markdown to HTML by three parsers. Each input line is a JSON list of texts; each output line a list of
// lists: marked as in JupyterLab, markdown-it, and markdown-it as in VS Code's notebooks.
import { createInterface } from "node:readline";
import katex from "@vscode/markdown-it-katex";
import markdownIt from "markdown-it";
import { page } from "./page.mjs";

const options = { html: true, linkify: true };
const plain = markdownIt(options);
// KaTeX itself escapes what it gets, and trusts no command: its own tags are left out here.
const renderer = { renderToString: (tex) => `<code>${markdownIt().utils.escapeHtml(tex)}</code>` };
const vscode = markdownIt(options).use(katex.default ?? katex, {
  katex: renderer,
  enableBareBlocks: true,
  enableFencedBlocks: true,
});
vscode.linkify.set({ fuzzyLink: false });

for await (const line of createInterface({ input: process.stdin })) {
  const pages = [];
  for (const text of JSON.parse(line))
    pages.push([await page(text), plain.render(text), vscode.render(text)]);
  process.stdout.write(JSON.stringify(pages) + "\n");
}
