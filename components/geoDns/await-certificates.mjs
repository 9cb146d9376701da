/*
 * Waits until every machine shows the station's public certificate for its name, so that `pulumi up` ends with a station
 * that answers over https. A certificate comes some seconds after the names: a Master has it issued when they lead to it,
 * and the other machines fetch it from there.
 *
 * Whoever issued it will do, a staging authority too: what counts is that it is not the self-made one that machines show
 * until then.
 */
import { connect } from "node:tls";

const waitMs = 1000 * Number(process.env.AERIAL_WAIT_SECONDS);
const pollMs = 1000 * Number(process.env.AERIAL_POLL_SECONDS ?? "2");
/**
 * Machines with the name that listeners or encoders know them by.
 *
 * @typedef {{ name: string, hostname: string, port?: number }} Known
 * @typedef {Known & { address: string }} Server
 */

const known = /** @type {Known[]} */ (JSON.parse(process.env.AERIAL_SERVERS ?? "[]"));
const servers = known.map((server, index) => ({
    ...server,
    address: process.env[`AERIAL_ADDRESS_${index + 1}`] ?? "",
}));
if (servers.length === 0 || servers.some(({ address }) => !address) || !(waitMs > 0)) {
    console.error("AERIAL_SERVERS, AERIAL_ADDRESS_1 and further, and AERIAL_WAIT_SECONDS are needed");
    process.exit(2);
}

const answerMs = 5000;

/**
 * What is wrong with the certificate that a machine shows; undefined when it is the public one.
 *
 * @param {Server} server
 * @returns {Promise<string | undefined>}
 */
function problemOf({ address, hostname, port = 443 }) {
    return new Promise((resolve) => {
        const socket = connect({ host: address, port, servername: hostname, rejectUnauthorized: false });
        /** @param {string | undefined} problem */
        const end = (problem) => {
            socket.destroy();
            resolve(problem);
        };
        socket.setTimeout(answerMs, () => end("does not answer"));
        socket.on("error", (/** @type {NodeJS.ErrnoException} */ error) =>
            end(`does not answer: ${error.code ?? error.message}`),
        );
        socket.on("secureConnect", () => {
            const certificate = socket.getPeerX509Certificate();
            if (!certificate) {
                end("shows no certificate");
            } else if (certificate.issuer === certificate.subject) {
                end("still shows a self-made certificate");
            } else if (Date.parse(certificate.validTo) < Date.now()) {
                end(`shows a certificate that expired on ${certificate.validTo}`);
            } else if (!certificate.checkHost(hostname)) {
                end(
                    `shows a certificate for ${certificate.subjectAltName ?? "no name"}, not for ${hostname}`,
                );
            } else {
                end(undefined);
            }
        });
    });
}

/**
 * One line for each kind of problem, with the machines that have it.
 *
 * @param {{ name: string, problem: string | undefined }[]} problems
 */
function describe(problems) {
    /** @type {Map<string | undefined, string[]>} */
    const machines = new Map();
    for (const { name, problem } of problems) {
        machines.set(problem, [...(machines.get(problem) ?? []), name]);
    }
    return [...machines].map(([problem, names]) => `${names.join(", ")}: ${problem}`).join("\n");
}

const deadline = Date.now() + waitMs;
let last = "";
for (;;) {
    const found = await Promise.all(
        servers.map(async (server) => ({ name: server.name, problem: await problemOf(server) })),
    );
    const problems = found.filter(({ problem }) => problem !== undefined);
    if (problems.length === 0) {
        console.log(`all ${servers.length} machines show the public certificate`);
        break;
    }
    const text = describe(problems);
    if (text !== last) {
        console.log(text);
        last = text;
    }
    if (Date.now() > deadline) {
        console.error(
            `the station is on air, but not over https, after ${waitMs / 1000} s.\n${text}\n` +
                "A Master says why: run `sudo aerial-certificate status` on it. Often the domain does not lead to the " +
                "zone yet (its name servers at the registrar). Then run pulumi up again.",
        );
        process.exitCode = 1;
        break;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
}
