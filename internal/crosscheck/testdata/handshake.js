// E2E.md, "Handshake".
import { ok } from "node:assert";
import { E, H, KDF, Seal, X25519, box, boxKey, concat, decapsulate, encapsulate, equal, publicOf, readU32, u32, unbox } from "./basics.js";
import { ONE_TIME, SIGNED, certificate, checkPeer } from "./keys.js";

const none = new Uint8Array(0);

// What both sides come to once they have agreed.
function transcript(CB, signed, oneTime, ephemeral, ct) {
  return H("handshake transcript", Uint8Array.of(1), CB, signed.hash, oneTime ? oneTime.hash : none, ephemeral, ct);
}
const firstSecret = (T, ...secrets) => KDF(concat(...secrets), undefined, E("first secret", T), 32);
const sessionID = (T, CA) => H("session id", T, CA);
const firstRoot = (f, DH1, id) => KDF(concat(f, DH1), undefined, E("first root key", id), 32);

// own: { certificate, box }; to: { certificate, signed, oneTime or null }.
// steps, for the vectors, is given every value on the way.
export function ask(own, to, source, steps = {}) {
  checkPeer(own.certificate, to.certificate);
  const { signed, oneTime } = to;
  ok(signed.kind === SIGNED && (!oneTime || oneTime.kind === ONE_TIME) && !equal(signed.box, own.certificate.box));
  const x = source.scalar();
  const ephemeral = publicOf(x);
  const DH1 = X25519(own.box, signed.box);
  const DH2 = X25519(x, to.certificate.box);
  const DH3 = X25519(x, signed.box);
  const DH4 = oneTime ? X25519(x, oneTime.box) : none;
  const { sharedSecret: ss, cipherText: ct } = encapsulate((oneTime ?? signed).kem, source.coins());
  const T = transcript(to.certificate.hash, signed, oneTime, ephemeral, ct);
  const f = firstSecret(T, DH2, DH3, DH4, ss);
  const [certKey, certNonce] = Seal(f, "sealed certificate", T);
  const cert = box([certKey, certNonce], own.certificate.raw);
  const id = sessionID(T, own.certificate.hash);
  const root = firstRoot(f, DH1, id);
  Object.assign(steps, { dh1: DH1, dh2: DH2, dh3: DH3, dh4: DH4, ss, ct, t: T, f, certKey, certNonce, cert, id, root });
  const length = Uint8Array.of(cert.length >> 8, cert.length & 255);
  const hello = concat(Uint8Array.of(1, 1), u32(signed.id), u32(oneTime ? oneTime.id : 0), ephemeral, ct, length, cert);
  return { hello, id, root };
}

// own: { certificate, box, signed, oneTime }, the prekeys with their secrets.
export function answer(own, data) {
  ok(data.length >= 1132 && data[0] === 1 && data[1] === 1);
  const at = 1132 + data[1130] * 256 + data[1131];
  ok(at - 1132 <= 528 && at <= data.length);
  const [ephemeral, ct, cert] = [boxKey(data.slice(10, 42)), data.slice(42, 1130), data.slice(1132, at)];
  const { signed } = own;
  const oneTime = readU32(data, 6) === 0 ? null : own.oneTime;
  ok(readU32(data, 2) === signed.id && (oneTime === null || oneTime?.id === readU32(data, 6)), "no secret of that id");

  const DH2 = X25519(own.box, ephemeral);
  const DH3 = X25519(signed.secrets.box, ephemeral);
  const DH4 = oneTime ? X25519(oneTime.secrets.box, ephemeral) : none;
  const ss = decapsulate((oneTime ?? signed).secrets.seed, ct);
  const T = transcript(own.certificate.hash, signed, oneTime, ephemeral, ct);
  const f = firstSecret(T, DH2, DH3, DH4, ss);
  const asker = certificate(unbox(Seal(f, "sealed certificate", T), cert));
  checkPeer(own.certificate, asker);
  const id = sessionID(T, asker.hash);
  const root = firstRoot(f, X25519(signed.secrets.box, asker.box), id);
  return { asker, id, root, message: data.slice(at), usedOneTime: oneTime !== null, X: ephemeral };
}
