// Evaluates expressions, one JSON string a line, with GitHub's own library: {"value": ..., "text": ...} or {"fault": ...}.
import readline from "node:readline";
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

const contexts = JSON.parse(process.argv[2]);

function given(value) {
  if (value === null) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (Array.isArray(value)) return new data.Array(...value.map(given));
  return new data.Dictionary(...Object.entries(value).map(([key, each]) => ({ key, value: given(each) })));
}

function found(value) {
  if (value.kind === data.Kind.Null) return null;
  if (value.kind === data.Kind.Array) return value.values().map(found);
  if (value.kind === data.Kind.Dictionary)
    return Object.fromEntries(value.pairs().map((each) => [each.key, found(each.value)]));
  return value.kind === data.Kind.Number && !Number.isFinite(value.value) ? `number ${value.value}` : value.value;
}

const known = given(contexts);
for await (const line of readline.createInterface({ input: process.stdin })) {
  try {
    const { tokens } = new Lexer(JSON.parse(line)).lex();
    const value = new Evaluator(new Parser(tokens, Object.keys(contexts), []).parse(), known).evaluate();
    console.log(JSON.stringify({ value: found(value), text: value.coerceString() }));
  } catch (error) {
    console.log(JSON.stringify({ fault: String(error.message) }));
  }
}
