import { recordedFormat } from "../../model/recordings";
import type { ChannelPlan, StreamFormat } from "../../model/channels";
import { command, each, jsonFile, program, programFolder, pythonModule, unit } from "../machine/files";
import type { MachineFile, Service } from "../machine/role";
import type { SecretFile } from "../machine/secrets";

/** Where a Master's recordings go. */
export interface RecordingsPlan {
    /** The station's bucket of recordings. */
    bucket: string;
    /** Amazon's region of the bucket, for example `eu-central-1`. */
    region: string;
    /** Which of a channel's formats is recorded, where it has it. */
    codec: StreamFormat["codec"];
    /** The station's time zone, which `aerial-archive` takes times in. */
    timeZone: string;
    /** Ids of the station's Masters, the preferred one first. */
    masters: readonly string[];
    /** What recordings may take on the disk until they are at S3, in MiB; 4096 unless given. */
    spoolMiB?: number | undefined;
}

/** What has to be known of a Master that records. */
interface RecordingMaster {
    id: string;
    channels: readonly ChannelPlan[];
    /** Port of its Icecast. */
    ingestPort: number;
    recordings?: RecordingsPlan | undefined;
}

/** What recordings add to a Master's role. */
export interface RecordingsRole {
    packages: string[];
    files: MachineFile[];
    units: string[];
    services: Service[];
}

/** Names of the keys: the writer adds this Master's recordings, the reader reads all. */
export const recordingKeys = {
    writer: { id: "recordings.writer.id", secret: "recordings.writer.secret" },
    reader: { id: "recordings.reader.id", secret: "recordings.reader.secret" },
} as const;

/** A day and a half of one channel at 192 kbit/s; of eight, five hours. */
const defaultSpoolMiB = 4096;

const folder = "/etc/aerial/recordings";
const modules = [
    ...["bucket", "capture", "collect", "cut", "moments", "settings", "spool", "stream", "takes", "upload"],
];

/**
 * What records a Master's public mounts, uploads them and cuts them; nothing where the station has no recordings.
 *
 * @throws when the bucket, the region or a figure cannot be meant.
 */
export function recordingsRole(plan: RecordingMaster): RecordingsRole {
    const { recordings } = plan;
    if (recordings === undefined) {
        return { packages: [], files: [], units: [], services: [] };
    }
    refuseUnusable(recordings);
    const { bucket, region, timeZone, masters, codec, spoolMiB = defaultSpoolMiB } = recordings;
    const known = {
        ...{ master: plan.id, masters, bucket, region, timeZone },
        icecastPort: plan.ingestPort,
        spoolBytes: spoolMiB * 2 ** 20,
        channels: Object.fromEntries(
            plan.channels.map(({ id, formats }) => {
                const format = recordedFormat(formats, codec);
                return [id, { codec: format.codec, mount: format.mount }];
            }),
        ),
    };
    return {
        packages: ["python3-boto3", "tzdata"],
        units: ["aerial-recorder.service", "aerial-recordings.service"],
        files: [
            ...each("master/recordings", ["aerial-recorder.py", "aerial-recordings.py"], program),
            command("master/recordings/aerial-archive.py"),
            ...modules.map((name) => pythonModule(`master/recordings/recordings/${name}.py`, "recordings")),
            ...each("relay/feed/feed", ["frames.py", "icy.py"], (template) => pythonModule(template, "feed")),
            ...each(
                "master/recordings",
                ["aerial-recorder.service", "aerial-recordings.service"],
                (template) => unit(template),
            ),
            jsonFile(`${folder}/recordings.json`, known),
            secretFile("listener", "@{local.listener}\n"),
            ...(["writer", "reader"] as const).map((name) => secretFile(name, credentials(name))),
        ],
        services: [
            {
                unit: "aerial-recorder.service",
                reads: [...code("aerial-recorder"), `${folder}/listener`],
                onChange: "restart",
            },
            {
                unit: "aerial-recordings.service",
                reads: [...code("aerial-recordings"), `${folder}/writer`],
                onChange: "restart",
            },
        ],
    };
}

function code(name: string): string[] {
    return [
        `${folder}/recordings.json`,
        ...["recordings/", "feed/", name].map((path) => `${programFolder}/${path}`),
    ];
}

/** A profile of Amazon's clients. */
function credentials(name: keyof typeof recordingKeys): string {
    const { id, secret } = recordingKeys[name];
    return `[${name}]\naws_access_key_id = @{${id}}\naws_secret_access_key = @{${secret}}\n`;
}

function secretFile(name: string, content: string): SecretFile {
    return { path: `${folder}/${name}`, secretFormat: "raw", content, owner: "root:root", mode: "0600" };
}

function refuseUnusable({ bucket, region, spoolMiB = defaultSpoolMiB }: RecordingsPlan): void {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
        throw new Error(`"${bucket}" is not the name of a bucket`);
    }
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
        throw new Error(`"${region}" is not a region of Amazon, such as eu-central-1`);
    }
    if (!Number.isInteger(spoolMiB) || spoolMiB <= 0) {
        throw new Error(`recordings take whole MiB above 0 of the disk, not ${spoolMiB}`);
    }
}
