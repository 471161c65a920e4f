// The explorers' scripts in plain Node: they are classic scripts that hang everything on `globalThis.snnsg`, and touch no page
// before they are mounted.
import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";

const folder = new URL("../../snnsg_book/explorers/", import.meta.url);

export function load(...names) {
  for (const name of ["core", "controls", "mount", ...names]) {
    const path = new URL(`${name}.js`, folder);
    runInThisContext(readFileSync(path, "utf8"), { filename: path.pathname });
  }
  return globalThis.snnsg;
}
