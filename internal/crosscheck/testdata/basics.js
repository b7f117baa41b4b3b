// PROTOCOL.md, "Basics" and "Padding"; E2E.md, "Basics".
import { ok } from "node:assert";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import nacl from "tweetnacl";

export const bytes = (text) => new Uint8Array(Buffer.from(text.slice(text.indexOf(":") + 1), "base64url"));
export const text = (b) => Buffer.from(b).toString("base64url");
export const utf8 = (s) => new TextEncoder().encode(s);
export const concat = (...parts) => new Uint8Array(Buffer.concat(parts));
export const equal = (a, b) => Buffer.compare(a, b) === 0;

export function u32(n) {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(n);
  return new Uint8Array(b);
}
export const readU32 = (b, at = 0) => Buffer.from(b).readUInt32BE(at);

// "Encoding of structures"
const field = (b) => concat(u32(b.length), b);
export const E = (label, ...fields) => concat(...[utf8(`secure-messaging v1 ${label}`), ...fields].map(field));
export const H = (label, ...fields) => sha256(E(label, ...fields));

// split takes a structure with that label and those lengths apart; a length of
// null is any.
export function split(b, label, lengths) {
  const fields = [];
  let at = 0;
  while (at < b.length) {
    const end = at + 4 + readU32(b, at);
    ok(end <= b.length);
    fields.push(b.slice(at + 4, end));
    at = end;
  }
  ok(fields.length === lengths.length + 1 && equal(fields[0], utf8(`secure-messaging v1 ${label}`)));
  lengths.forEach((n, i) => ok(n === null || fields[i + 1].length === n));
  return fields.slice(1);
}

export const sign = (secret, label, fields) => nacl.sign.detached(E(label, ...fields), secret);
export const verify = (key, signature, label, fields) =>
  ok(nacl.sign.detached.verify(E(label, ...fields), signature, key), `signature of ${label}`);

// Ed25519 keys that are not canonical or of small order are refused. Those of
// small order have one of five y.
const p = 2n ** 255n - 19n;
const y = (key) => BigInt(`0x${Buffer.from(key).reverse().toString("hex")}`) & (2n ** 255n - 1n);
const order8 = y(Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex"));
export function signingKey(key) {
  ok(key.length === 32 && y(key) < p && ![0n, 1n, p - 1n, order8, p - order8].includes(y(key)));
  return key;
}

export const random = (n) => nacl.randomBytes(n);

export const publicOf = (secret) => nacl.scalarMult.base(secret);

export function X25519(secret, key) {
  const shared = nacl.scalarMult(secret, key);
  ok(shared.some((b) => b !== 0), "an agreement that gives zeros is refused");
  return shared;
}
export function boxKey(key) {
  X25519(random(32), key);
  return key;
}

// KEM. Section 7.2 of FIPS 203: the length, and all 768 numbers of 12 bits are
// below q.
export const kemKeys = (seed) => ml_kem768.keygen(seed);
export const encapsulate = (key, coins) => ml_kem768.encapsulate(key, coins);
export const decapsulate = (seed, ciphertext) => ml_kem768.decapsulate(ciphertext, kemKeys(seed).secretKey);
export function kemKey(key) {
  ok(key.length === 1184);
  for (let i = 0; i < 1152; i += 3) {
    ok((key[i] | ((key[i + 1] & 15) << 8)) < 3329 && ((key[i + 1] >> 4) | (key[i + 2] << 4)) < 3329);
  }
  return key;
}

export const KDF = (input, salt, info, n) => hkdf(sha256, input, salt, info, n);
export const HMAC = (key, message) => hmac(sha256, key, message);

// Seal(secret, label, fields…)
export function Seal(secret, label, ...fields) {
  const okm = KDF(secret, undefined, E(label, ...fields), 56);
  return [okm.slice(0, 32), okm.slice(32)];
}
export const box = ([key, nonce], plain) => nacl.box.after(plain, nonce, key);
export function unbox([key, nonce], sealed) {
  const plain = nacl.box.open.after(sealed, nonce, key);
  ok(plain, "the box does not open");
  return plain;
}

// "Padding"
export function size(content) {
  const n = content + 4;
  for (const bucket of [256, 512, 1024, 2048, 4096]) if (n <= bucket) return bucket;
  const e = Math.floor(Math.log2(n));
  const step = 2 ** (e - (Math.floor(Math.log2(e)) + 1));
  return Math.ceil(n / step) * step;
}
export function pad(content) {
  const padded = new Uint8Array(size(content.length));
  padded.set(field(content));
  return padded;
}
export function unpad(padded) {
  const content = padded.slice(4, 4 + readU32(padded));
  ok(equal(padded, pad(content)), "padding");
  return content;
}
