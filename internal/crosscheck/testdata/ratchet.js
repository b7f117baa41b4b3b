// E2E.md, "Ratchet". A state is not changed: sealing and opening give the next.
import { ok } from "node:assert";
import {
  E, HMAC, KDF, Seal, X25519, box, concat, decapsulate, encapsulate, equal, kemKey, kemKeys, pad, publicOf, random, readU32, text, u32, unbox, unpad,
} from "./basics.js";

export const system = { scalar: () => random(32), seed: () => random(64), coins: () => random(32), salt: () => random(16) };

const begin = (id, root, now, rest) => ({
  id, root, sending: null, sent: 0, receiving: null, offer: null, answer: null, toAnswer: null, lastKEM: now, sinceKEM: 0, skipped: [], ...rest,
});
export const asker = (id, root, S, now) => begin(id, root, now, { asks: true, P: S });
export const answerer = (id, root, s, now) => begin(id, root, now, { asks: false, r: s });

const direction = (asks) => Uint8Array.of(asks ? 1 : 2);

function rootStep(st, agreement, kemSecret) {
  const okm = KDF(concat(agreement, kemSecret ?? new Uint8Array(0)), st.root, E("root step", st.id), 64);
  st.root = okm.slice(0, 32);
  return okm.slice(32);
}
const chainStep = (chain) => [HMAC(chain, E("message key")), HMAC(chain, E("chain key"))];
const body = (message, id, from, header) => Seal(message, "message body", id, from, header);

// A message
const VERSION = 1;
const KIND = 2;
const OFFER = 1;
const ANSWER = 2;

function encode(h) {
  const flags = (h.offer ? OFFER : 0) | (h.answer ? ANSWER : 0);
  const parts = [Uint8Array.of(VERSION, KIND, flags), h.tag, h.salt, h.R, u32(h.previous), u32(h.number)];
  return concat(...parts, ...[h.offer, h.answer].filter(Boolean));
}
function decode(sealed) {
  ok(sealed.length >= 67 && sealed[0] === VERSION && sealed[1] === KIND && (sealed[2] & ~(OFFER | ANSWER)) === 0);
  let at = 67;
  const take = (flag, n) => (sealed[2] & flag ? sealed.slice(at, (at += n)) : null);
  const h = { tag: sealed.slice(3, 11), R: sealed.slice(27, 59), previous: readU32(sealed, 59), number: readU32(sealed, 63) };
  h.offer = take(OFFER, 1184);
  h.answer = take(ANSWER, 1088);
  ok(at <= sealed.length);
  return { ...h, raw: sealed.slice(0, at), box: sealed.slice(at) };
}
export const tagOf = (sealed) => decode(sealed).tag;

// Sealing
export function seal(state, content, now, source = system) {
  const st = { ...state };
  if (!st.sending) beginSending(st, now, source);
  ok(st.sending.number < 2 ** 32 - 1);
  const { number } = st.sending;
  const offer = st.offer && number < 4 ? kemKeys(st.offer).publicKey : null;
  const header = encode({ tag: st.id.slice(0, 8), salt: source.salt(), R: publicOf(st.r), previous: st.previous, number, offer, answer: st.answer });
  const [message, key] = chainStep(st.sending.key);
  st.sending = { key, number: number + 1 };
  st.sent = number + 1;
  st.sinceKEM++;
  return { sealed: concat(header, box(body(message, st.id, direction(st.asks), header), pad(content))), state: st };
}

function beginSending(st, now, source) {
  ok(st.P, "nothing has come yet");
  st.r = source.scalar();
  const agreement = X25519(st.r, st.P);
  st.offer = st.answer = null;
  let secret = null;
  if (st.toAnswer) {
    const encapsulated = encapsulate(st.toAnswer, source.coins());
    secret = encapsulated.sharedSecret;
    st.answer = encapsulated.cipherText;
    Object.assign(st, { toAnswer: null, lastKEM: now, sinceKEM: 0 });
  } else if (st.sinceKEM >= 20 || now - st.lastKEM >= 3600) {
    st.offer = source.seed();
  }
  st.previous = st.sent;
  st.sending = { key: rootStep(st, agreement, secret), number: 0 };
}

// Opening
export function open(state, sealed, now) {
  const st = { ...state, skipped: state.skipped.filter((k) => now - k.since <= 30 * 86400) };
  const h = decode(sealed);
  ok(equal(h.tag, st.id.slice(0, 8)));
  const unseal = (message) => unpad(unbox(body(message, st.id, direction(!st.asks), h.raw), h.box));

  const at = st.skipped.findIndex((k) => k.number === h.number && k.R === text(h.R));
  if (at >= 0) {
    const [{ message }] = st.skipped.splice(at, 1);
    const content = unseal(message);
    if (st.P && equal(h.R, st.P)) takeOffer(st, h);
    return { content, skipped: 0, state: st };
  }
  const before = st.skipped.length;
  if (!st.P || !equal(h.R, st.P)) beginReceiving(st, h, now);
  ok(st.receiving && h.number >= st.receiving.number && h.number < 2 ** 32 - 1);
  skip(st, h.number, now);
  const [message, key] = chainStep(st.receiving.key);
  st.receiving = { key, number: h.number + 1 };
  const content = unseal(message);
  st.sinceKEM++;
  takeOffer(st, h);
  const skipped = st.skipped.length - before;
  st.skipped = st.skipped.slice(-2000);
  return { content, skipped, state: st };
}

function takeOffer(st, h) {
  if (h.offer && !st.sending) st.toAnswer = kemKey(h.offer);
}

function beginReceiving(st, h, now) {
  if (st.receiving) skip(st, h.previous, now);
  let secret = null;
  if (h.answer) {
    ok(st.offer, "an answer without an offer");
    secret = decapsulate(st.offer, h.answer);
    Object.assign(st, { lastKEM: now, sinceKEM: 0 });
  }
  st.receiving = { key: rootStep(st, X25519(st.r, h.R), secret), number: 0 };
  st.P = h.R;
  st.sending = st.offer = st.toAnswer = null;
}

function skip(st, end, now) {
  ok(end - st.receiving.number <= 1000, "too many are missing");
  let { key, number } = st.receiving;
  for (; number < end; number++) {
    const [message, next] = chainStep(key);
    st.skipped.push({ R: text(st.P), number, since: now, message });
    key = next;
  }
  st.receiving = { key, number };
}
