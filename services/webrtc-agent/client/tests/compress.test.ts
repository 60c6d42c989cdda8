import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compressFolder } from "../tools/compress.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "compress-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("text has two compressed copies that hold the same", () => {
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "assets/page.js"), "let a = 1;".repeat(500));
  compressFolder(folder);
  expect(readdirSync(join(folder, "assets")).sort()).toEqual(["page.js", "page.js.br", "page.js.gz"]);
  const text = readFileSync(join(folder, "assets/page.js"));
  expect(gunzipSync(readFileSync(join(folder, "assets/page.js.gz")))).toEqual(text);
  expect(brotliDecompressSync(readFileSync(join(folder, "assets/page.js.br")))).toEqual(text);
});

test("small files and files that are compressed already have none", () => {
  writeFileSync(join(folder, "small.css"), "a{}");
  writeFileSync(join(folder, "image.png"), "x".repeat(5000));
  compressFolder(folder);
  expect(readdirSync(folder).sort()).toEqual(["image.png", "small.css"]);
});
