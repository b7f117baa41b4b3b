// A second reader of PROTOCOL.md, in another language and over tweetnacl.
// Usage: node peer.js DIRECTORY-OF-VECTORS
import { createHash, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deepStrictEqual as same, ok } from "node:assert";
import nacl from "tweetnacl";

const read = (name) => JSON.parse(readFileSync(join(process.argv[2], name), "utf8"));
const bytes = (text) => new Uint8Array(Buffer.from(text.slice(text.indexOf(":") + 1), "base64url"));
const text = (b) => Buffer.from(b).toString("base64url");
const utf8 = (s) => new TextEncoder().encode(s);
const concat = (...parts) => new Uint8Array(Buffer.concat(parts));

// "Encoding of structures"
function field(b) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(b.length);
  return concat(length, b);
}
const E = (label, ...fields) => concat(...[utf8(label), ...fields].map(field));
const H = (label, ...fields) => new Uint8Array(createHash("sha256").update(E(label, ...fields)).digest());

function split(b) {
  const fields = [];
  for (let at = 0; at < b.length; ) {
    const end = at + 4 + Buffer.from(b).readUInt32BE(at);
    ok(end <= b.length);
    fields.push(b.slice(at + 4, end));
    at = end;
  }
  return fields;
}

function certificate(wire) {
  const raw = bytes(wire);
  const [label, relay, name, device, account, login, box, version, created, signature, ...rest] = split(raw);
  same(rest, []);
  const signed = E("secure-messaging v1 certificate", relay, name, device, account, login, box, version, created);
  same(label, utf8("secure-messaging v1 certificate"));
  ok(nacl.sign.detached.verify(signed, signature, account), "signature of the certificate");
  return { relay, name, device, account, login, box, hash: H("secure-messaging v1 hash of certificate", raw) };
}

// "Padding"
function size(content) {
  const n = content + 4;
  for (const bucket of [256, 512, 1024, 2048, 4096]) if (n <= bucket) return bucket;
  const e = Math.floor(Math.log2(n));
  const step = 2 ** (e - (Math.floor(Math.log2(e)) + 1));
  return Math.ceil(n / step) * step;
}
function pad(content) {
  const padded = new Uint8Array(size(content.length));
  padded.set(field(content));
  return padded;
}
function unpad(padded) {
  const content = padded.slice(4, 4 + Buffer.from(padded).readUInt32BE(0));
  same(padded, pad(content));
  return content;
}

// "Envelope"
function keyAndNonce(secret, from, to, ephemeral) {
  const info = E("secure-messaging v0 envelope", from.hash, to.hash, ephemeral);
  const okm = new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), info, 56));
  return [okm.slice(0, 32), okm.slice(32)];
}
function open(sealed, own, from, to) {
  same(sealed[0], 0);
  const ephemeral = sealed.slice(1, 33);
  const secret = concat(nacl.scalarMult(own, ephemeral), nacl.scalarMult(own, from.box));
  const [key, nonce] = keyAndNonce(secret, from, to, ephemeral);
  const padded = nacl.box.open.after(sealed.slice(33), nonce, key);
  ok(padded, "the box opens");
  return unpad(padded);
}
function seal(content, own, ephemeralSecret, from, to) {
  const ephemeral = nacl.scalarMult.base(ephemeralSecret);
  const secret = concat(nacl.scalarMult(ephemeralSecret, to.box), nacl.scalarMult(own, to.box));
  const [key, nonce] = keyAndNonce(secret, from, to, ephemeral);
  return concat(Uint8Array.of(0), ephemeral, nacl.box.after(pad(content), nonce, key));
}

const envelope = read("envelope.json");
const from = certificate(envelope.senderCertificate);
const to = certificate(envelope.recipientCertificate);
for (const m of envelope.messages) {
  const content = open(bytes(m.sealed), bytes(envelope.recipientBox), from, to);
  same(content, utf8(m.text));
  const sealed = seal(utf8(m.text), bytes(envelope.senderBox), bytes(m.ephemeral), from, to);
  same(text(sealed), m.sealed);
  console.log("opened", JSON.parse(m.text).id);
}

for (const { length, padded } of read("padding.json")) same(size(length), padded);

const { relay, accounts, proofs } = read("identity.json");
const alice = certificate(accounts[0].certificate);
same(text(alice.hash), accounts[0].certificateHash);
const host = utf8(proofs.host);
const login = [alice.relay, host, alice.name, alice.device, alice.hash, bytes(proofs.relayNonce), bytes(proofs.clientNonce)];
const registration = [alice.relay, host, alice.hash, bytes(proofs.registrationNonce)];
const verify = (signature, key, label, fields) =>
  ok(nacl.sign.detached.verify(E(`secure-messaging v1 ${label}`, ...fields), bytes(signature), key), label);
verify(proofs.challengeSignature, bytes(relay.public), "relay challenge", [bytes(proofs.relayNonce)]);
verify(proofs.loginProof, alice.login, "login proof", login);
verify(proofs.welcome, bytes(relay.public), "relay answer to login", login);
verify(proofs.accountSignature, alice.account, "registration proof", registration);
verify(proofs.deviceSignature, alice.login, "registration proof", registration);
console.log("proofs hold");
