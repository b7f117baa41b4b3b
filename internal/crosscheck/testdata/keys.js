// PROTOCOL.md, certificates; E2E.md, "Prekeys".
import { ok } from "node:assert";
import nacl from "tweetnacl";
import { E, H, boxKey, concat, equal, kemKey, kemKeys, publicOf, random, readU32, sign, signingKey, split, u32, utf8, verify } from "./basics.js";

const u64 = (n) => concat(u32(Math.floor(n / 2 ** 32)), u32(n % 2 ** 32));
const readU64 = (b) => readU32(b) * 2 ** 32 + readU32(b, 4);

export function certificate(raw) {
  const fields = split(raw, "certificate", [32, null, 8, 32, 32, 32, 1, 8, 64]);
  const [relay, name, device, account, login, box, version, created, signature] = fields;
  [relay, account, login].forEach(signingKey);
  boxKey(box);
  ok(/^[a-z0-9_]{3,32}$/.test(Buffer.from(name).toString("latin1")));
  ok(readU64(created) <= Number.MAX_SAFE_INTEGER);
  verify(account, signature, "certificate", fields.slice(0, 8));
  return { raw, relay, name, device, account, login, box, version: version[0], hash: H("hash of certificate", raw) };
}

// Whom a device refuses as a peer.
export function checkPeer(own, peer) {
  ok(equal(own.relay, peer.relay), "another relay");
  for (const what of ["name", "account", "login", "box"]) ok(!equal(own[what], peer[what]), "its own " + what);
  ok(Math.min(own.version, peer.version) >= 1, "an old version");
}

export const SIGNED = 1;
export const ONE_TIME = 2;

export function prekey(raw, owner) {
  const [kind, id, created, box, kem, signature] = split(raw, "prekey", [1, 4, 8, 32, 1184, 64]);
  ok((kind[0] === SIGNED || kind[0] === ONE_TIME) && readU32(id) !== 0 && readU64(created) <= Number.MAX_SAFE_INTEGER);
  boxKey(box);
  kemKey(kem);
  const signed = [owner.hash, kind, id, created, box, kem];
  verify(owner.login, signature, "prekey", signed);
  return { raw, kind: kind[0], id: readU32(id), box, kem, hash: H("hash of prekey", ...signed) };
}

// A device with keys of its own, all random.
export function newDevice(relay, name, created) {
  const account = nacl.sign.keyPair();
  const login = nacl.sign.keyPair();
  const box = random(32);
  const fields = [relay, utf8(name), random(8), account.publicKey, login.publicKey, publicOf(box), Uint8Array.of(1), u64(created)];
  const own = certificate(E("certificate", ...fields, sign(account.secretKey, "certificate", fields)));
  return { certificate: own, box, signed: newPrekey(SIGNED, 1), oneTime: newPrekey(ONE_TIME, 2) };

  function newPrekey(kind, id) {
    const secrets = { box: random(32), seed: random(64) };
    const fields = [Uint8Array.of(kind), u32(id), u64(created), publicOf(secrets.box), kemKeys(secrets.seed).publicKey];
    const signature = sign(login.secretKey, "prekey", [own.hash, ...fields]);
    return { ...prekey(E("prekey", ...fields, signature), own), secrets };
  }
}
