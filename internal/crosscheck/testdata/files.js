// E2E.md, "Files".
import { ok } from "node:assert";
import { Seal, box, concat, u32, unbox } from "./basics.js";

const chunkSize = 65536;
const overhead = 16;

function paddedSize(n) {
  n = Math.max(n, 4096);
  const e = Math.floor(Math.log2(n));
  const step = 2 ** (e - (Math.floor(Math.log2(e)) + 1));
  return Math.ceil(n / step) * step;
}

// chunkKey is the key and nonce of chunk i.
const chunkKey = (key, i, last) => Seal(key, "file chunk", concat(u32(0), u32(i)), new Uint8Array([last ? 1 : 0]));

export function sealFile(key, content) {
  const padded = new Uint8Array(paddedSize(content.length));
  padded.set(content);
  const chunks = [];
  for (let at = 0; at < padded.length; at += chunkSize) {
    const last = at + chunkSize >= padded.length;
    chunks.push({ secrets: chunkKey(key, chunks.length, last), part: padded.slice(at, at + chunkSize) });
  }
  return { chunks, sealed: concat(...chunks.map(({ secrets, part }) => box(secrets, part))) };
}

export function openFile(key, sealed, size) {
  const length = paddedSize(size);
  ok(sealed.length === length + Math.ceil(length / chunkSize) * overhead);
  const parts = [];
  for (let at = 0; at < sealed.length; at += chunkSize + overhead) {
    const last = at + chunkSize + overhead >= sealed.length;
    parts.push(unbox(chunkKey(key, parts.length, last), sealed.slice(at, at + chunkSize + overhead)));
  }
  const padded = concat(...parts);
  ok(padded.slice(size).every((b) => b === 0), "padding of a file");
  return padded.slice(0, size);
}
