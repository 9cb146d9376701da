import { certificatePort } from "../../model/publicCertificate";
import { command, each, jsonFile, pythonModule, unit } from "../machine/files";
import type { MachineFile } from "../machine/role";
import type { MasterPlan } from "./plan";
import { peerAddress } from "./mounts";

/** What `aerial-certificate` on a Master is told. */
interface CertificatePlan {
    id: string;
    rank: number;
    /** The certificate is for all of these; the first is its common name. */
    names: string[];
    directoryUrl: string;
    email: string;
    /** The other Masters, whose certificate is taken over when it is newer. */
    peers: { id: string; host: string; port: number; tlsName: string }[];
}

/** What a machine is that obtains a certificate by ACME: a Master, or one that has a name of its own. */
export type Certified = Pick<MasterPlan, "id" | "rank" | "publicNames" | "acme" | "peers">;

/** Unit that looks after the certificate, once it is enabled. */
export const certificateTimer = "aerial-certificate.timer";

/** The program that obtains a certificate and renews it, with all that it needs but NGINX, lego and openssl. */
export function certificateFiles(plan: Certified): MachineFile[] {
    return [
        command("master/certificate/aerial-certificate.py"),
        ...each("master/certificate", ["authority.py", "certificate_rules.py"], pythonModule),
        pythonModule("machine/python/certificates.py"),
        ...each("master/certificate", ["aerial-certificate.service", certificateTimer], unit),
        jsonFile("/etc/aerial/certificate.json", certificatePlan(plan)),
    ];
}

/**
 * Checks and collects it.
 *
 * @throws when a name, the directory or the address cannot be what an authority is asked for.
 */
export function certificatePlan(plan: Certified): CertificatePlan {
    const { id, rank, publicNames: names, acme } = plan;
    const bad = names.find((name) => !isHostName(name));
    if (bad !== undefined || names.length === 0) {
        throw new Error(`${JSON.stringify(bad ?? "")} cannot be a name in a public certificate`);
    }
    if (names.length > maximumNames) {
        throw new Error(
            `one certificate holds ${maximumNames} names at most; the station has ${names.length}`,
        );
    }
    if (!/^https:\/\/[^\s@]+$/.test(acme.directoryUrl)) {
        throw new Error(
            `${JSON.stringify(acme.directoryUrl)} is not an ACME directory: use a URL that starts with https://`,
        );
    }
    // It becomes an argument and a folder's name.
    if (!/^[A-Za-z0-9][\w.+-]*@[\w.-]+$/.test(acme.email)) {
        throw new Error(
            `${JSON.stringify(acme.email)} is not an e-mail address for the certificate authority`,
        );
    }
    if (!Number.isInteger(rank) || rank < 0) {
        throw new Error(`a Master's rank is 0, 1, …, not ${rank}`);
    }
    return {
        id,
        rank,
        names,
        ...acme,
        peers: plan.peers.map((peer) => {
            peerAddress(peer);
            return { id: peer.id, host: peer.host, port: certificatePort, tlsName: peer.tlsName };
        }),
    };
}

/** Let's Encrypt's limit (their documentation, 2026-09). */
const maximumNames = 100;

function isHostName(name: string): boolean {
    const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
    const labels = name.split(".");
    return name.length <= 253 && labels.length > 1 && labels.every((part) => label.test(part));
}
