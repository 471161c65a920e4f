// The mathematics of every explorer against numbers that the library gave: vectors/NAME.json, written by `make vectors`.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "./load.mjs";

const folder = new URL("vectors/", import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(".json", ""));
const { explorers } = load(...names);

// Numbers to within `tolerance`; of objects, what is expected; null stands for an endless number.
function compare(found, expected, tolerance, where) {
  if (typeof expected === "number") {
    const off = Math.abs(found - expected);
    assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `${where}: ${found} in place of ${expected}`);
  } else if (expected === null) assert.equal(found, Infinity, where);
  else if (typeof expected === "object") {
    if (Array.isArray(expected)) assert.equal(found.length, expected.length, `${where}: length`);
    for (const key of Object.keys(expected)) compare(found[key], expected[key], tolerance, `${where}.${key}`);
  } else assert.equal(found, expected, where);
}

for (const name of names) {
  const { table, cases } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
  const calls = [...new Set(cases.map(({ call }) => call))];
  for (const call of calls) {
    test(`${name}.${call} gives what the library gives`, () => {
      for (const { given, expected, tolerance } of cases.filter((one) => one.call === call)) {
        const found = explorers[name][call](...given.map((one) => (one === "table" ? table : one)));
        compare(found, expected, tolerance, `${name}.${call}(${JSON.stringify(given).slice(0, 200)})`);
      }
    });
  }
}

test("every explorer has its numbers", () => {
  const scripts = readdirSync(new URL("../../snnsg_book/explorers/", import.meta.url)).filter((file) =>
    file.endsWith(".js"),
  );
  const shared = ["core", "controls", "mount", "host"];
  assert.deepEqual(
    names.sort(),
    scripts
      .map((file) => file.replace(".js", ""))
      .filter((one) => !shared.includes(one))
      .sort(),
  );
});
