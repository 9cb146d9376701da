import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { backupFiles } from "../../components/airtimeBackup/render";
import { readerPolicy, writerPolicy } from "../../components/airtimeBackup/policies";
import { renderCloudConfig, userDataLimitBytes } from "../../components/machine/cloudConfig";
import { baseRole } from "../../components/machine/base";
import { deliveryText } from "../../components/machine/delivery";
import { mergeRoles, type MachineRole } from "../../components/machine/role";
import { removeLab } from "../../lab/machines/removeLab";
import { startService } from "../../lab/workstation/services";
import { ensureImage } from "../../lab/machines/image";
import { createMachine, execInMachine } from "../../lab/machines/machines";
import { sites } from "../../lab/network/addresses";
import { ensureNetwork, inNamespace } from "../../lab/network/network";
import { labPath } from "../../lab/paths";
import { opensshKey } from "../../lab/cloudless/tls/openssh";
import { ensureStorage, s3Root } from "../../lab/amazon/storage";
import { elements, iamRequest } from "../../lab/amazon/storage/client";

/* A lab of its own with one machine that has shows, and the lab's S3 with the station's users and policies. */

export const region = "eu-central-1";
const airtime = { id: "3001", name: "airtime", region: "ams3", publicAddress: "198.18.0.10" };
const dns = sites.studio ?? "";
export const [shows, archive] = ["radio-test-shows", "radio-test-archive"];
export const library = "/srv/library/main";

/** It comes with the user data. */
const firstDelivery = ["sh", "-c", "cloud-init status --wait >/dev/null; exec aerial-receive"];

function newKey() {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    return opensshKey(createPrivateKey(pem))!;
}

/** Runs a script on Airtime's machine; its output, errors included. */
export async function sh(script: string, allow: number[] | "any" = [0]): Promise<string> {
    const { stdout, stderr } = await execInMachine(airtime.id, ["bash", "-c", `set -eu; ${script}`], {
        allow,
        timeoutSeconds: 100,
    });
    return stdout + stderr;
}

interface Version {
    key: string;
    size: number;
    latest: boolean;
    type: string;
    metadata: Record<string, string>;
}

export async function versions(bucket = shows): Promise<Version[]> {
    const { stdout } = await execInMachine(airtime.id, ["python3", "/root/backup.py", "versions", bucket]);
    return JSON.parse(stdout) as Version[];
}

interface Outcome {
    healthy: boolean;
    figures: Record<string, number>;
    problems: { kind: string; path?: string }[];
}

/** How the last run of a kind ended. */
export async function outcome(kind: string): Promise<Outcome> {
    return JSON.parse(
        await sh(`cat /var/lib/aerial/backup/${kind}.json 2>&- || echo '{ "figures": {} }'`),
    ) as Outcome;
}

export async function until<T>(seconds: number, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        const found = await look();
        if (found !== undefined) {
            return found;
        }
        if (Date.now() > deadline) {
            throw new Error(`not within ${seconds} s:\n${await sh("journalctl -b -n 60 -o cat", "any")}`);
        }
        await sleep(300);
    }
}

/** The uploader waits until a show has been quiet for 10 s; its first look is made that long ago. */
export const settled = `aerial-backup upload || true; python3 -c '
import sqlite3
with sqlite3.connect("/var/lib/aerial/backup/shows.sqlite") as records:
    records.execute("update waiting set since = since - 10")'`;

/** Uploads until nothing is on its way. */
export async function uploadAll(): Promise<void> {
    await until(60, async () => {
        await sh("aerial-backup upload", "any");
        if ((await outcome("upload")).figures["pending_shows"] === 0) {
            return true;
        }
        await sh(settled);
        return undefined;
    });
}

/** A user of the station's account with a policy of ours, and its key. */
async function user(name: string, policy: object) {
    await iamRequest("CreateUser", { UserName: name });
    const document = JSON.stringify(policy);
    await iamRequest("PutUserPolicy", { UserName: name, PolicyName: name, PolicyDocument: document });
    const answer = await iamRequest("CreateAccessKey", { UserName: name });
    const [id = "", secret = ""] = ["AccessKeyId", "SecretAccessKey"].map(
        (part) => elements(answer, part)[0],
    );
    return { [`backup.${name}.id`]: id, [`backup.${name}.secret`]: secret };
}

function userData(): string {
    return renderCloudConfig(
        { hostname: airtime.name, deployKey: "", enrolHostKey: newKey().privateFile },
        userDataLimitBytes.digitalOcean,
    );
}

function roleWith(recipient: string): MachineRole {
    const backup = backupFiles({
        region,
        showsBucket: shows,
        archiveBucket: archive,
        libraries: [{ channel: "main", path: library }],
        recipient,
        database: { name: "airtime", command: ["runuser", "-u", "postgres", "--"] },
        configuration: ["/etc/aerial/backup.json"],
    });
    const owner = s3Root(region);
    return mergeRoles(baseRole(), {
        packages: [...backup.packages, "postgresql"],
        maskedUnits: [],
        units: backup.units,
        services: [],
        files: [
            ...backup.files,
            // There is nothing else that it would do.
            { path: "/usr/local/lib/aerial/check", content: "#!/bin/sh\n", mode: "0755" },
            { path: "/etc/resolv.conf", content: `nameserver ${dns}\n`, mode: "0644" },
            {
                path: "/root/backup.py",
                content: readFileSync(join(__dirname, "backup.py"), "utf8"),
                mode: "0644",
            },
            {
                path: "/root/owner",
                content: `[owner]\naws_access_key_id=${owner.accessKeyId}\naws_secret_access_key=${owner.secretAccessKey}\n`,
                mode: "0600",
            },
        ],
    });
}

/** Begins with nothing: buckets, users, and a machine that has its secrets. */
export async function startBackupLab(): Promise<void> {
    await removeLab();
    await ensureImage();
    await ensureNetwork();
    mkdirSync(labPath(), { recursive: true });
    const addresses = [sites.s3 ?? ""];
    const answers = [shows, archive].map((bucket) => [`${bucket}.s3.${region}.amazonaws.com`, addresses]);
    writeFileSync(
        labPath("names.json"),
        JSON.stringify({ ...Object.fromEntries(answers), [`s3.${region}.amazonaws.com`]: addresses }),
    );
    await startService(
        "names",
        inNamespace("studio", ["/usr/bin/python3", join(__dirname, "names.py"), dns, labPath("names.json")]),
    );
    await ensureStorage(region);
    const buckets = { shows, archive };
    const values = {
        ...(await user("writer", writerPolicy(buckets))),
        ...(await user("reader", readerPolicy(buckets))),
    };
    const key = newKey();
    await createMachine({ ...airtime, userData: userData() });
    const secrets = JSON.stringify({ values, files: { "backup.key": key.privateFile } });
    await execInMachine(airtime.id, firstDelivery, {
        stdin: deliveryText({ role: roleWith(key.publicLine), readySeconds: 60 }, secrets),
        timeoutSeconds: 120,
    });
    await sh(`python3 /root/backup.py make ${shows} ${archive}; mkdir -p ${library}`);
}
