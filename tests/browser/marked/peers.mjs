// Each input line is a JSON list of texts; the output line is the same healed by remend. For null it
// is the examples of CommonMark.
import { createInterface } from "node:readline";
import spec from "commonmark-spec";
import remend from "remend";

for await (const line of createInterface({ input: process.stdin })) {
  const texts = JSON.parse(line);
  const answer = texts ? texts.map((text) => remend(text)) : spec.tests.map((test) => test.markdown.replaceAll("→", "\t"));
  process.stdout.write(JSON.stringify(answer) + "\n");
}
