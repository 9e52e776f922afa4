"""The script that stands in for WebMCP in a recorded page: it takes what the page registers and never calls any of it. And whose page it is.

The interface is the draft's of 2026 (`document.modelContext`, `registerTool` with a promise and a signal) with what earlier drafts had beside it
(`navigator.modelContext`, `unregisterTool`, `provideContext`, `clearContext`). Forms with `toolname` are read as the declarative explainer says;
of their fields, names, kinds and limits are taken, and never a value: options of a list are a page's data.
https://webmachinelearning.github.io/webmcp
"""

from typing import Final
from urllib.parse import urlsplit

BINDING: Final = "caskTakesOffer"
"""The function that the page's side calls with one JSON text an offer. A page that calls it itself says no more than one that registers."""

SCRIPT: Final = (
    """(() => {
  if (!window.isSecureContext) return;
  const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
  const {stringify, parse} = JSON;
  const tell = (offer) => { const take = window[BINDING]; if (take) take(stringify(offer)); };
  const refuse = (why, name) => { throw new DOMException(why, name || "InvalidStateError"); };
  const tools = new Map();

  function definition(tool) {
    if (tool === null || typeof tool !== "object") throw new TypeError("a tool is an object");
    if (tool.name === undefined || tool.description === undefined) throw new TypeError("a tool has a name and a description");
    if (typeof tool.execute !== "function") throw new TypeError("a tool has a function `execute`");
    const found = {how: "imperative", name: String(tool.name), title: String(tool.title ?? ""), description: String(tool.description)};
    if (!NAME.test(found.name) || found.description === "") refuse("this is no name, or no description, of a tool");
    const schema = tool.inputSchema === undefined ? "{}" : stringify(tool.inputSchema);
    if (schema === undefined) throw new TypeError("an input schema is an object");
    return {...found, schema: parse(schema)};
  }
  function add(context, tool, signal) {
    const found = definition(tool);
    if (tools.has(found.name)) refuse("a tool of this name is registered already");
    if (signal && signal.aborted) throw signal.reason;
    tools.set(found.name, found);
    if (signal) signal.addEventListener("abort", () => remove(context, found.name), {once: true});
    tell(found);
    context.dispatchEvent(new Event("toolchange"));
  }
  function remove(context, name) {
    if (tools.delete(String(name))) context.dispatchEvent(new Event("toolchange"));
  }
  class ModelContext extends EventTarget {
    #heard = null;
    get ontoolchange() { return this.#heard; }
    set ontoolchange(hear) {
      if (this.#heard) this.removeEventListener("toolchange", this.#heard);
      this.#heard = typeof hear === "function" ? hear : null;
      if (this.#heard) this.addEventListener("toolchange", this.#heard);
    }
    registerTool(tool, options) {
      try { add(this, tool, options && options.signal); } catch (error) {
        const failed = Promise.reject(error);
        failed.catch(() => {});
        return failed;
      }
      return Promise.resolve();
    }
    unregisterTool(name) { remove(this, name); }
    provideContext(options) {
      tools.clear();
      for (const tool of (options && options.tools) || []) add(this, tool);
    }
    clearContext() { tools.clear(); this.dispatchEvent(new Event("toolchange")); }
    getTools() {
      const found = [...tools.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return Promise.resolve(found.map(({how, schema, ...rest}) => ({...rest, inputSchema: schema, window, origin: location.origin})));
    }
    executeTool() { return Promise.reject(new DOMException("nothing is called here", "UnknownError")); }
  }
  const context = new ModelContext();
  for (const owner of [Document.prototype, Navigator.prototype]) {
    Object.defineProperty(owner, "modelContext", {configurable: true, enumerable: true, get: () => context});
  }
  window.ModelContext = ModelContext;

  const FORMATS = {email: "email", url: "uri", date: "date"};
  const SILENT = new Set(["hidden", "password", "file", "submit", "reset", "button", "image"]);
  const number = (text) => (text !== "" && text !== null && Number.isFinite(Number(text)) ? Number(text) : undefined);
  const length = (size) => (size >= 0 ? size : undefined);
  function field(control, many) {
    if (control.type === "select-multiple" || (control.type === "checkbox" && many)) return {type: "array", items: {type: "string"}};
    if (control.type === "checkbox") return {type: "boolean"};
    if (control.type === "number" || control.type === "range") {
      return {type: "number", minimum: number(control.getAttribute("min")), maximum: number(control.getAttribute("max"))};
    }
    const text = {type: "string", format: FORMATS[control.type]};
    return {...text, minLength: length(control.minLength), maxLength: length(control.maxLength)};
  }
  function declared(form) {
    const properties = {}, required = [];
    const named = [...form.elements].filter((each) => each.name && !each.disabled && each.type && !SILENT.has(each.type) && each.tagName !== "FIELDSET");
    for (const control of named) {
      const same = named.filter((each) => each.name === control.name);
      const says = same.map((each) => each.getAttribute("toolparamdescription")).find((each) => each);
      properties[control.name] = {...field(control, same.length > 1), description: says || undefined};
      if (control.required && !required.includes(control.name)) required.push(control.name);
    }
    return {
      how: "declarative", name: form.getAttribute("toolname"), title: "", description: form.getAttribute("tooldescription") || "",
      schema: {type: "object", properties, required},
    };
  }
  const said = new Set();
  function look() {
    for (const form of document.querySelectorAll("form[toolname]")) {
      const found = declared(form), text = stringify(found);
      if (found.name && !said.has(text)) { said.add(text); tell(found); }
    }
  }
  let waits = false;
  const soon = () => {
    if (waits) return;
    waits = true;
    setTimeout(() => { waits = false; look(); }, 50);
  };
  new MutationObserver(soon).observe(document, {
    subtree: true, childList: true, attributes: true,
    attributeFilter: ["toolname", "tooldescription", "toolparamdescription", "name", "type", "required", "disabled", "min", "max"],
  });
  addEventListener("DOMContentLoaded", look);
  addEventListener("load", look);
})();"""
).replace("BINDING", f'"{BINDING}"')


def origin_of(url: str) -> str:
    """`scheme://host[:port]` in lower case; empty for a document of no site (`about:blank`, `data:`)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower() if parts.scheme in ("http", "https") and parts.netloc else ""
