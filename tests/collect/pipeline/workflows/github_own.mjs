// Reads workflow files with GitHub's own parser: of each path that comes in, one a line, the faults as a JSON list.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import readline from "node:readline";

// The package imports JSON without saying so, which Node refuses.
const hook = `export const resolve = async (name, context, next) => {
  const found = await next(name, context);
  return name.endsWith(".json") ? { ...found, importAttributes: { type: "json" } } : found;
};`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import("@actions/workflow-parser");

for await (const name of readline.createInterface({ input: process.stdin })) {
  const content = readFileSync(name, "utf8");
  const { context, value } = parseWorkflow({ name: "w", content }, new NoOperationTraceWriter());
  const faults = context.errors.getErrors().map((each) => each.message);
  if (value !== undefined) {
    const template = await convertWorkflowTemplate(context, value, undefined, { fetchReusableWorkflowDepth: 0 });
    faults.push(...(template.errors ?? []).map((each) => each.Message));
  }
  console.log(JSON.stringify([...new Set(faults)]));
}
