// One device that does what it is told: a JSON object a line comes in, and one
// goes out. Times are in seconds since 1970.
import { ok } from "node:assert";
import { createInterface } from "node:readline";
import { bytes, text, utf8 } from "./basics.js";
import * as keys from "./keys.js";
import * as sessions from "./sessions.js";

export async function talk(input, output) {
  const device = { own: null, leads: false, list: [], seen: new Set() };
  for await (const line of createInterface({ input })) {
    output.write(JSON.stringify(reply(device, JSON.parse(line))) + "\n");
  }
}

// Whatever does not open is refused, and nothing has changed.
function reply(device, command) {
  try {
    return commands[command.do](device, command);
  } catch (error) {
    return { refused: String(error.message) };
  }
}

const plain = (content) => Buffer.from(content).toString("utf8");

function meet(device, peer) {
  device.leads = Buffer.compare(device.own.certificate.account, peer.account) < 0;
}

const commands = {
  make(device, { relay, name, at }) {
    const own = (device.own = keys.newDevice(bytes(relay), name, at));
    return { certificate: text(own.certificate.raw), signed: text(own.signed.raw), oneTime: text(own.oneTime.raw) };
  },

  ask(device, { certificate, signed, oneTime, content, at }) {
    const owner = keys.certificate(bytes(certificate));
    const to = { certificate: owner, signed: keys.prekey(bytes(signed), owner), oneTime: oneTime ? keys.prekey(bytes(oneTime), owner) : null };
    const { data, list } = sessions.ask(device.list, device.own, to, utf8(content), at);
    meet(device, owner);
    device.list = list;
    return { data: text(data) };
  },

  join(device, { data, at }) {
    const { asker, content, usedOneTime, X, list } = sessions.join(device.list, device.own, bytes(data), at);
    ok(!device.seen.has(text(X)), "a copy");
    device.seen.add(text(X));
    meet(device, asker);
    if (usedOneTime) device.own.oneTime = null;
    device.list = list;
    return { content: plain(content), certificate: text(asker.raw) };
  },

  seal(device, { content, at }) {
    const { data, list } = sessions.seal(device.list, utf8(content), at);
    device.list = list;
    return { data: text(data) };
  },

  open(device, { data, at }) {
    const { content, skipped, list } = sessions.open(device.list, device.leads, bytes(data), at);
    device.list = list;
    return { content: plain(content), skipped };
  },
};
