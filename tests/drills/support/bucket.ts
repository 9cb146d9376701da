import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";

import { z } from "zod";

import { apiRootFile } from "../../../lab/authority";
import { stackOutputs } from "../../../lab/engine/outputs";
import { inImage } from "../../../lab/machines/image";
import { checkout } from "../../../lab/paths";
import { s3Root } from "../../../lab/amazon/storage";
import { elements, s3Request, textOf, type Answer } from "../../../lab/amazon/storage/client";

const key = z.object({ id: z.string(), secret: z.string() });

/** What the stack tells of its backup. */
const schema = z.object({
    shows: z.object({
        protected: z.array(z.object({ bucket: z.object({ name: z.string(), region: z.string() }) })).min(2),
    }),
    backupKeys: z.object({ writer: key, reader: key }),
});

/** A version of an object, as the account's owner sees it. */
export interface Version {
    key: string;
    id: string;
    size: number;
    latest: boolean;
}

type Given = Record<string, unknown>;
export type Call = [label: string, key: "writer" | "reader" | null, operation: string, parameters: Given];
export type Answers = Record<string, unknown>;

/** The buckets of the station's backup: seen by their owner, and used with the keys that the stack gives out. */
export class Backup {
    readonly region: string;
    readonly shows: string;
    readonly archive: string;

    static async open(): Promise<Backup> {
        return new Backup(schema.parse(await stackOutputs()));
    }

    private constructor(private readonly outputs: z.infer<typeof schema>) {
        const [shows, archive] = outputs.shows.protected.map(({ bucket }) => bucket);
        this.region = shows?.region ?? "";
        this.shows = shows?.name ?? "";
        this.archive = archive?.name ?? "";
    }

    /** Asks S3 something as the account's root. */
    asOwner(request: Omit<Parameters<typeof s3Request>[1], "bucket">, bucket = this.shows): Promise<Answer> {
        return s3Request(this.region, { bucket, ...request });
    }

    /** Every version of every show, delete markers left out. */
    async versions(prefix = "shows/"): Promise<Version[]> {
        const { body } = await this.asOwner({ method: "GET", query: { versions: "", prefix } });
        return elements(body, "Version").map((entry) => ({
            key: textOf(entry, "Key") ?? "",
            id: textOf(entry, "VersionId") ?? "",
            size: Number(textOf(entry, "Size")),
            latest: textOf(entry, "IsLatest") === "true",
        }));
    }

    /** Versions of the show that is kept under a path of its library. */
    async versionsOf(path: string): Promise<Version[]> {
        return (await this.versions()).filter((version) => version.key.endsWith(`/main/${path}`));
    }

    /** The SHA-256 that a version carries. */
    async hashOf({ key: name, id }: Version): Promise<string> {
        const { headers } = await this.asOwner({ method: "HEAD", key: name, query: { versionId: id } });
        return String(headers["x-amz-meta-sha256"]);
    }

    /**
     * Waits until a show is kept as it is.
     *
     * @returns when that was seen, in milliseconds since 1970.
     * @throws after `patienceMs`.
     */
    async untilKept(path: string, sha256: string, patienceMs: number): Promise<number> {
        const deadline = Date.now() + patienceMs;
        for (;;) {
            const newest = (await this.versionsOf(path)).find(({ latest }) => latest);
            if (newest && (await this.hashOf(newest)) === sha256) {
                return Date.now();
            }
            if (Date.now() > deadline) {
                throw new Error(`${path} is not in ${this.shows} as it is within ${patienceMs} ms`);
            }
            await sleep(250);
        }
    }

    /** Takes a show out of sight, as a mishap of the owner's does: a delete marker becomes its newest version. */
    async hide(path: string): Promise<void> {
        const newest = (await this.versionsOf(path)).find(({ latest }) => latest);
        if (!newest) {
            throw new Error(`${path} is not in ${this.shows}`);
        }
        await this.asOwner({ method: "DELETE", key: newest.key });
    }

    /** Uses S3 with the stack's keys, from a place that is no machine of the station's; with none where null. */
    async ask(place: string, calls: Call[]): Promise<Answers> {
        const { writer, reader } = this.outputs.backupKeys;
        const keys = { writer: [writer.id, writer.secret], reader: [reader.id, reader.secret] };
        const { stdout } = await inImage(["python3", "/client.py"], {
            netns: place,
            binds: [
                { source: join(checkout, "tests/machines/storage.py"), target: "/client.py" },
                { source: apiRootFile, target: "/root.pem" },
            ],
            env: { AWS_CA_BUNDLE: "/root.pem" },
            stdin: `${JSON.stringify({ region: this.region, keys, calls })}\n`,
            timeoutSeconds: 60,
        });
        return JSON.parse(stdout) as Answers;
    }

    /** An address from which whoever has it can play a show for an hour. */
    async presigned(place: string, name: string): Promise<string> {
        const wanted = { ClientMethod: "get_object", Params: { Bucket: this.shows, Key: name } };
        return String((await this.ask(place, [["url", "reader", "generate_presigned_url", wanted]])).url);
    }

    /** The roots by which a program knows this S3. */
    get caFile(): string {
        return s3Root(this.region).caFile;
    }
}
