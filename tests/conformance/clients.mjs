// A public MCP client of TypeScript, to be run in a folder whose node_modules hold that client and nothing of ours.
//
//     node clients.mjs SPEC.json     SPEC as for clients.py; client: "sdk" (1.x) or "client" (2.x), mode: "" or "auto" for the newest protocol
//
// Prints one JSON object: the listed tools and what each call came back with.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const spec = JSON.parse(readFileSync(process.argv[2], "utf8"));
const here = createRequire(pathToFileURL(process.cwd() + "/"));
const at = async (name) => import(pathToFileURL(here.resolve(name)));
const parts = spec.client === "sdk"
  ? ["@modelcontextprotocol/sdk/client/index.js", "@modelcontextprotocol/sdk/client/stdio.js", "@modelcontextprotocol/sdk/client/streamableHttp.js"]
  : ["@modelcontextprotocol/client", "@modelcontextprotocol/client/stdio", "@modelcontextprotocol/client"];
const [core, stdio, http] = await Promise.all(parts.map(at));
const transport = spec.url
  ? new http.StreamableHTTPClientTransport(new URL(spec.url), { requestInit: { headers: spec.headers } })
  : new stdio.StdioClientTransport({ command: spec.command, args: spec.args, cwd: spec.cwd, env: spec.env, stderr: "ignore" });
const client = new core.Client({ name: "test", version: "0" }, spec.mode ? { versionNegotiation: { mode: spec.mode } } : {});
await client.connect(transport);
const listed = await client.listTools();
const calls = [];
for (const [name, args, patience] of spec.calls) {
  const options = patience ? { signal: AbortSignal.timeout(patience * 1000) } : {};
  try {
    const said = await (spec.client === "sdk"
      ? client.callTool({ name, arguments: args }, undefined, options)
      : client.callTool({ name, arguments: args }, options));
    calls.push({ error: Boolean(said.isError), structured: said.structuredContent ?? null, text: said.content.map((part) => part.text ?? "").join("") });
  } catch (error) {
    calls.push({ raised: error.constructor.name, text: String(error.message) });
  }
}
console.log(JSON.stringify({ client: "", protocol: "", tools: listed.tools.map((tool) => tool.name), calls }));
await new Promise((done) => setTimeout(done, 500)); // what it sends when it gives a call up is on its way
await client.close();
process.exit(0);
