// E2E.md, "More than one session". Sessions are a list, the front first.
import { ok } from "node:assert";
import { equal } from "./basics.js";
import * as handshake from "./handshake.js";
import * as ratchet from "./ratchet.js";

// own and to are devices as handshake.js wants them.
export function ask(list, own, to, content, now) {
  const pending = list.filter((s) => s.pending && now - s.begun < 30 * 86400);
  ok(pending.length < 3, "three are pending");
  const { hello, id, root } = handshake.ask(own, to, ratchet.system);
  const { sealed, state } = ratchet.seal(ratchet.asker(id, root, to.signed.box, now), content, now);
  return { data: Buffer.concat([hello, sealed]), list: begun(list, { state, ours: true, pending: true, begun: now }) };
}

export function join(list, own, data, now) {
  const { asker, id, root, message, usedOneTime, X } = handshake.answer(own, data);
  const opened = ratchet.open(ratchet.answerer(id, root, own.signed.secrets.box, now), message, now);
  return { asker, content: opened.content, usedOneTime, X, list: begun(list, { state: opened.state, ours: false, pending: false }) };
}

export const begun = (list, session) => [session, ...list].slice(0, 8);

export function seal(list, content, now) {
  const [front, ...rest] = list;
  const { sealed, state } = ratchet.seal(front.state, content, now);
  return { data: sealed, list: [{ ...front, state }, ...rest] };
}

// leads: this is the leader, the side whose account key is smaller.
export function open(list, leads, data, now) {
  const tag = ratchet.tagOf(data);
  const at = list.findIndex((s) => equal(s.state.id.slice(0, 8), tag));
  ok(at >= 0, "no such session");
  const { content, skipped, state } = ratchet.open(list[at].state, data, now);
  return { content, skipped, list: moved(list.with(at, { ...list[at], state }), leads, at) };
}

export function moved(list, leads, at) {
  const next = list.map((s, i) => (i >= at ? { ...s, pending: false } : s));
  const [front] = next;
  if (at > 0 && !(front.ours && (leads || (front.pending && next[at].ours)))) next.unshift(...next.splice(at, 1));
  return next;
}

export const retract = (list) => (list[0]?.pending ? list.slice(1) : list);
