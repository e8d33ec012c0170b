// Markdown to HTML as JupyterLab does it.
import { marked, Renderer } from "marked";
import { gfmHeadingId } from "marked-gfm-heading-id";
import { mangle } from "marked-mangle";

globalThis.navigator ??= { appName: "node" }; // the next module reads it
const { removeMath, replaceMath } = await import("./latex.mjs");

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const renderer = new Renderer();
// JupyterLab highlights code that names a language, and puts that name on the page as it stands.
renderer.code = ({ text, lang, codeBlockStyle }) =>
  codeBlockStyle === "indented"
    ? `<pre class="indented"><code>${escaped(text)}\n</code></pre>\n`
    : `<pre><code${lang ? ` class="language-${lang}"` : ""}>${escaped(text)}\n</code></pre>\n`;
// Marks HTML of the text itself, which the parser did not make.
const html = renderer.html;
renderer.html = (token) => `<!--raw-->${html.call(renderer, token)}`;
marked.use(gfmHeadingId(), mangle());

export async function page(markdown) {
  const { text, math } = removeMath(markdown);
  return replaceMath(await marked(text, { async: true, gfm: true, renderer }), math);
}
