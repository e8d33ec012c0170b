// Markdown to HTML as JupyterLab does it. Each input line is a JSON list of texts; each output line, one of HTML.
import { createInterface } from "node:readline";
import { page } from "./page.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const pages = [];
  for (const text of JSON.parse(line)) pages.push(await page(text));
  process.stdout.write(JSON.stringify(pages) + "\n");
}
