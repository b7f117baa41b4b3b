// Opens the vectors, and makes them again from their secrets.
import { readFileSync } from "node:fs";
import { join as path } from "node:path";
import { deepStrictEqual as same, ok, throws } from "node:assert";
import { sha256 } from "@noble/hashes/sha2.js";
import { E, H, bytes, concat, equal, kemKeys, publicOf, readU32, signingKey, size, text, utf8, verify } from "./basics.js";
import * as keys from "./keys.js";
import * as handshake from "./handshake.js";
import * as ratchet from "./ratchet.js";
import * as sessions from "./sessions.js";
import { openFile, sealFile } from "./files.js";

export function checkVectors(directory) {
  const read = (name) => JSON.parse(readFileSync(path(directory, name), "utf8"));
  checkIdentity(read("identity.json"));
  for (const { length, padded } of read("padding.json")) same(size(length), padded);
  checkPrekeys(read("prekeys.json"));
  read("files.json").forEach(checkFile);
  return {
    requests: checkHandshake(read("handshake.json")),
    messages: checkRatchet(read("ratchet.json")),
    steps: checkSessions(read("sessions.json")),
  };
}

// is holds values against a vector's members of the same names.
function is(vector, values) {
  for (const [name, value] of Object.entries(values)) same([name, text(value)], [name, vector[name] ?? ""]);
}

function checkIdentity({ encodings, relay, accounts, proofs }) {
  for (const { label, fields, encoded, hash } of encodings) {
    const parts = [label.replace("secure-messaging v1 ", ""), ...fields.map(bytes)];
    same([text(E(...parts)), text(H(...parts))], [encoded, hash]);
  }
  for (const a of accounts) same(text(keys.certificate(bytes(a.certificate)).hash), a.certificateHash);
  throws(() => signingKey(new Uint8Array(32)));
  const alice = keys.certificate(bytes(accounts[0].certificate));
  const prekey = keys.prekey(bytes(proofs.prekey), alice);
  const host = utf8(proofs.host);
  const relayKey = signingKey(bytes(relay.public));
  const login = [alice.relay, host, alice.name, alice.device, alice.hash, bytes(proofs.relayNonce), bytes(proofs.clientNonce)];
  const registration = [alice.relay, host, alice.hash, bytes(proofs.registrationNonce), prekey.hash];
  verify(relayKey, bytes(proofs.challengeSignature), "relay challenge", [bytes(proofs.relayNonce)]);
  verify(alice.login, bytes(proofs.loginProof), "login proof", login);
  verify(relayKey, bytes(proofs.welcome), "relay answer to login", login);
  verify(alice.account, bytes(proofs.accountSignature), "registration proof", registration);
  verify(alice.login, bytes(proofs.deviceSignature), "registration proof", registration);
}

function checkPrekeys({ certificate, prekeys }) {
  const owner = keys.certificate(bytes(certificate));
  same(prekeys.length, 2);
  for (const v of prekeys) {
    const k = keys.prekey(bytes(v.prekey), owner);
    same([k.kind, k.id, text(k.hash)], [v.kind, v.id, v.hash]);
    same([text(k.box), text(k.kem)], [text(publicOf(bytes(v.boxSecret))), text(kemKeys(bytes(v.kemSecret)).publicKey)]);
  }
}

function checkFile(v) {
  const content = Uint8Array.from({ length: v.size }, (_, i) => i ^ (i >> 8) ^ (i >> 16));
  const { chunks, sealed } = sealFile(bytes(v.key), content);
  same([sealed.length, text(sha256(sealed)), chunks.length], [v.sealed, v.sha256, v.chunks.length]);
  v.chunks.forEach((c, i) => is(c, { key: chunks[i].secrets[0], nonce: chunks[i].secrets[1], begin: sealed.slice(i * 65552, i * 65552 + 32) }));
  ok(equal(openFile(bytes(v.key), sealed, v.size), content));
  throws(() => openFile(bytes(v.key), sealed.slice(0, -1), v.size));
}

// The text of a secret prekey: kind, id, created, X25519 scalar, ML-KEM seed.
function withSecrets(prekey, secretText) {
  const b = bytes(secretText);
  same([b.length, b[0], readU32(b, 1)], [109, prekey.kind, prekey.id]);
  return { ...prekey, secrets: { box: b.slice(13, 45), seed: b.slice(45) } };
}

// Draws give what a vector says was drawn, one after the other.
function draws(scalars, coins, salts, seeds = []) {
  const next = (row) => () => bytes(row.shift());
  return { scalar: next(scalars), coins: next(coins), salt: next(salts), seed: next(seeds) };
}

function checkHandshake(v) {
  const alice = { certificate: keys.certificate(bytes(v.asker)), box: bytes(v.askerBox) };
  const certificate = keys.certificate(bytes(v.asked));
  const signed = keys.prekey(bytes(v.signedPrekey), certificate);
  const oneTime = keys.prekey(bytes(v.oneTimePrekey), certificate);
  const bob = {
    certificate, box: bytes(v.askedBox),
    signed: withSecrets(signed, v.signedPrekeySecret), oneTime: withSecrets(oneTime, v.oneTimePrekeySecret),
  };
  for (const r of v.requests) {
    const source = draws([r.ephemeralSecret, r.ratchetSecret], [r.encapsulationCoins], [r.salt]);
    const steps = {};
    const { hello, id, root } = handshake.ask(alice, { certificate, signed, oneTime: r.oneTime ? oneTime : null }, source, steps);
    is(r, steps);
    const { sealed } = ratchet.seal(ratchet.asker(id, root, signed.box, 0), utf8(r.content), 0, source);
    same(text(concat(hello, sealed)), r.request);

    const asked = handshake.answer(bob, bytes(r.request));
    is(r, { id: asked.id, root: asked.root });
    const opened = ratchet.open(ratchet.answerer(asked.id, asked.root, bob.signed.secrets.box, 0), asked.message, 0);
    same(text(opened.content), text(utf8(r.content)));
  }
  return v.requests.length;
}

function checkRatchet(v) {
  const secret = bytes(v.signedPrekeySecret);
  const states = {
    asker: ratchet.asker(bytes(v.id), bytes(v.root), publicOf(secret), v.start),
    answerer: ratchet.answerer(bytes(v.id), bytes(v.root), secret, v.start),
  };
  const sealed = v.steps.filter((s) => s.do === "seal");
  for (const step of v.steps) {
    const m = sealed[step.message];
    if (step.do === "seal") {
      const source = draws([step.ratchetSecret], [step.encapsulationCoins], [text(bytes(step.header).slice(11, 27))], [step.kemSeed]);
      const made = ratchet.seal(states[step.side], utf8(step.content), step.at, source);
      same(text(made.sealed), step.sealed);
      is(step, { root: made.state.root });
      states[step.side] = made.state;
    } else {
      const opened = ratchet.open(states[step.side], bytes(m.sealed), step.at);
      same([text(opened.content), opened.skipped], [text(utf8(m.content)), step.skipped]);
      throws(() => ratchet.open(opened.state, bytes(m.sealed), step.at), "a copy opens");
      states[step.side] = opened.state;
    }
  }
  return sealed.length;
}

// Who seals in what; that the bytes open is for the other vectors to show.
function checkSessions(v) {
  const people = v.people.map((p) => {
    return { certificate: keys.certificate(bytes(p.certificate)), list: [] };
  });
  const [alice, bob] = people;
  const smaller = Buffer.compare(alice.certificate.account, bob.certificate.account) < 0 ? alice : bob;
  for (const step of v.steps) {
    const who = Buffer.from(alice.certificate.name).toString() === step.who ? alice : bob;
    takeStep(who, who === smaller, step);
    same([step.do, who.list.map((s) => s.name)], [step.do, step.list]);
  }
  return v.steps.length;
}

function takeStep(who, smaller, step) {
  const at = who.list.findIndex((s) => s.name === step.session);
  const pending = who.list.filter((s) => s.pending && step.at - s.begun < 30 * 86400).length;
  switch (step.do) {
    case "ask":
      same(pending >= 3, step.refused === true);
      if (!step.refused) who.list = sessions.begun(who.list, { name: step.session, ours: true, pending: true, begun: step.at });
      break;
    case "join":
      who.list = sessions.begun(who.list, { name: step.session, ours: false, pending: false });
      break;
    case "seal":
      same(at, 0);
      break;
    case "open":
      who.list = sessions.moved(who.list, smaller, at);
      break;
    case "retract":
      who.list = sessions.retract(who.list);
      break;
    default:
      ok(false, step.do);
  }
}
