// A second reader of PROTOCOL.md and E2E.md, in another language and over
// other libraries. Usage:
//   node peer.js vectors DIRECTORY    opens the vectors and makes them again
//   node peer.js talk                 is a device with keys of its own (talk.js)
import { talk } from "./talk.js";
import { checkVectors } from "./vectors.js";

const [, , what, directory] = process.argv;
if (what === "talk") await talk(process.stdin, process.stdout);
else if (what === "vectors") console.log(JSON.stringify(checkVectors(directory)));
else process.exit(2);
