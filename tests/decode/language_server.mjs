// Asks yaml-language-server what it asks about specs/churn.yaml: node language_server.mjs SERVER ROOT
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const [, , program, root] = process.argv;
const server = spawn("node", [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const uri = `file://${path.join(root, "specs/typed.yaml")}`;
const waiting = new Map();
const settings = { validate: true, hover: true, completion: true, schemaStore: { enable: false } };
let received = Buffer.alloc(0);
let asked = 0;
let version = 0;
let problems;

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  server.stdin.write(body);
}

function take(message) {
  if (message.method === "workspace/configuration") {
    const result = message.params.items.map((item) => (item.section === "yaml" ? settings : {}));
    send({ id: message.id, result });
  } else if (message.method && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (message.method === "textDocument/publishDiagnostics") {
    problems = message.params.diagnostics;
  } else {
    waiting.get(message.id)?.(message.result);
  }
}

server.stdout.on("data", (data) => {
  received = Buffer.concat([received, data]);
  for (;;) {
    const end = received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(received.subarray(0, end).toString())[1]);
    if (received.length < end + 4 + length) return;
    const message = JSON.parse(received.subarray(end + 4, end + 4 + length).toString());
    received = received.subarray(end + 4 + length);
    take(message);
  }
});

const ask = (method, params) =>
  new Promise((answer) => {
    waiting.set(++asked, answer);
    send({ id: asked, method, params });
  });
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function type(text) {
  problems = undefined;
  version += 1;
  const textDocument = { uri, languageId: "yaml", version, text };
  if (version === 1) send({ method: "textDocument/didOpen", params: { textDocument } });
  else send({ method: "textDocument/didChange", params: { textDocument: { uri, version }, contentChanges: [{ text }] } });
  while (problems === undefined) await sleep(50);
  await sleep(500);
  return problems;
}

function behind(text, part) {
  const lines = text.slice(0, text.indexOf(part) + part.length).split("\n");
  return { line: lines.length - 1, character: lines.at(-1).length };
}

async function complete(text, part) {
  await type(text);
  const found = await ask("textDocument/completion", { textDocument: { uri }, position: behind(text, part) });
  return (found?.items ?? found ?? []).map((item) => item.label);
}

const capabilities = {
  workspace: { configuration: true },
  textDocument: { completion: { completionItem: { snippetSupport: true } }, hover: { contentFormat: ["markdown"] } },
};
await ask("initialize", { processId: null, rootUri: `file://${root}`, capabilities, workspaceFolders: null });
send({ method: "initialized", params: {} });

const spec = fs.readFileSync(path.join(root, "specs/churn.yaml"), "utf8");
const modeline = spec.split("\n")[0];
const told = (found) => `${found.range.start.line + 1}: ${found.message.split("\n")[0]}`;
const answers = {
  sound: await type(spec),
  wrong: (await type(spec.replace("trials: 8", "trials: many").replace("owner:", "ownr:"))).map(told),
};
await type(spec);
const position = behind(spec, "search: {tri");
answers.hover = (await ask("textDocument/hover", { textDocument: { uri }, position })).contents.value;
answers.keys = await complete(spec.replace("search: {", "search:\n  \nx: {"), "search:\n  ");
answers.kinds = await complete(spec.replace("  - one_hot: plan\n", "  - \n"), "\n  - \n".slice(0, -1));
answers.words = await complete(spec.replace("algorithm: tpe", "algorithm: "), "algorithm: ");
answers.empty = await complete(`${modeline}\n\n`, `${modeline}\n\n`);
console.log(JSON.stringify(answers));
process.exit(0);
