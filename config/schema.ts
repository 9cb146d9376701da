import { isIP } from "node:net";

import { z } from "zod";

import { icecastVersions } from "../model/icecast";
import { airtimeSchema, refuseAirtimeMistakes } from "./airtime";
import { awsSchema, refuseBucketMistakes } from "./aws";
import { backupSchema, refuseBackupMistakes } from "./backup";
import { canarySchema, refuseCanaryMistakes } from "./canary";
import {
    digitalOceanRegion,
    digitalOceanSchema,
    dropletSize,
    refuseBeyondDropletLimit,
} from "./digitalOcean";
import { dnsSchema, refuseBeyondPlan } from "./dns";
import { refuseEarsMistakes } from "./ears";
import { expectedSchema, refuseExpectedMistakes, withRelayCounts } from "./expected";
import { monitoringSchema } from "./monitoring";
import { recordingsSchema, refuseRecordingsMistakes } from "./recordings";
import { rolloutSchema } from "./rollout";
import { refuseRotationMistakes, rotationSchema } from "./rotation";

/*
 * The schema of `aerial:station`. Every message ends with what would be right; the key and the value that was given
 * are added by `parseStation`.
 */

/** Mounts, machine names and user names are made of identifiers: one alphabet that suits all of them. */
const identifier = z
    .string()
    .regex(
        /^[a-z][a-z0-9-]{0,23}$/,
        "use a lower-case letter, then up to 23 letters, digits or hyphens, such as main",
    );

/** Names that listeners see. A line break would end a header of the stream. */
const title = z
    .string()
    .min(1, "give a name")
    .max(80, "use at most 80 characters")
    .regex(/^[^\p{Cc}$]*$/u, "leave out control characters, line breaks and $")
    // The same for validators that read patterns without Unicode's classes.
    .meta({ pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f$]*$" });

const domain = z
    .string()
    .max(253)
    .regex(
        /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
        "use a domain in lower case, such as radio.example",
    );

/** True for an address range such as `203.0.113.0/24` whose host part is empty, as firewalls demand. */
function isRange(value: string): boolean {
    const [address = "", length = "", ...rest] = value.split("/");
    const family = isIP(address);
    if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(length)) {
        return false;
    }
    const bits = Number(length);
    if (family === 6) {
        return bits <= 128;
    }
    const word = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
    return bits <= 32 && word % 2 ** (32 - bits) === 0;
}

const addressRange = z
    .string()
    .refine(isRange, {
        error: "use an address range with an empty host part, such as 203.0.113.0/24 or 203.0.113.7/32",
    })
    .meta({ pattern: "^[^/]+/[0-9]{1,3}$" });

const publicKey = z
    .string()
    .regex(
        /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]{40,}={0,2}( [^\r\n]*)?$/,
        "use one line of an OpenSSH public key file, such as the content of ~/.ssh/id_ed25519.pub",
    );

/** Bitrates that the encoders do well, in kbit/s. */
const bitrates = {
    mp3: [64, 96, 128, 160, 192, 256, 320],
    aac: [32, 48, 64, 96, 128, 160, 192],
} as const;

const format = z
    .strictObject({
        codec: z.enum(["mp3", "aac"], { error: "use mp3 or aac" }).meta({
            description: "Encoding of the stream. The mount ends in it.",
            examples: ["mp3"],
        }),
        bitrateKbps: z.int({ error: "use a whole number of kbit/s, such as 192" }).meta({
            description: `Bitrate of the stream. MP3: ${bitrates.mp3.join(", ")}; AAC: ${bitrates.aac.join(", ")}.`,
            unit: "kbit/s",
            examples: [192],
        }),
    })
    .superRefine(({ codec, bitrateKbps }, context) => {
        if (!(bitrates[codec] as readonly number[]).includes(bitrateKbps)) {
            context.addIssue({
                code: "custom",
                path: ["bitrateKbps"],
                input: bitrateKbps,
                message: `for ${codec} use one of ${bitrates[codec].join(", ")} kbit/s`,
            });
        }
    })
    .meta({
        allOf: Object.entries(bitrates).map(([codec, known]) => ({
            if: { properties: { codec: { const: codec } }, required: ["codec"] },
            then: { properties: { bitrateKbps: { enum: known } } },
        })),
    });

const channel = z.strictObject({
    id: identifier.meta({
        description:
            "Short name of the channel, unique in the station. Mounts and paths on machines contain it.",
        examples: ["main"],
    }),
    title: title.meta({
        description: "Name of the channel, as listeners see it in their players.",
        examples: ["Radio Meridian"],
    }),
    mount: identifier.optional().meta({
        description:
            "Public mount without its ending: with live, listeners hear /live.mp3. If you leave it out, it is the " +
            "channel's id.",
        examples: ["live"],
    }),
    formats: z
        .array(format)
        .min(1, "give at least one format, such as { codec: mp3, bitrateKbps: 192 }")
        .default([
            { codec: "mp3", bitrateKbps: 192 },
            { codec: "aac", bitrateKbps: 64 },
        ])
        .meta({
            description:
                "Formats that listeners can choose from, each codec once. MP3 plays everywhere; AAC sounds as good " +
                "at a lower bitrate.",
        }),
});

const source = z.strictObject({
    name: identifier.meta({
        description:
            "Short name of the source, unique in the station. Its mount and its user name contain it.",
        examples: ["studio"],
    }),
    title: title.meta({ description: "Name of the source, as people read it.", examples: ["Studio"] }),
});

const silence = z.strictObject({
    detect: z
        .boolean({ error: "use true or false" })
        .default(true)
        .meta({
            description:
                "Whether a source that sends silence counts as absent, so that the next one is heard.",
            examples: [false],
        }),
    thresholdDb: z
        .number({ error: "use a level in dB, such as -40" })
        .min(-80, "use a level from -80 to -20 dB, such as -40")
        .max(-20, "use a level from -80 to -20 dB, such as -40")
        .default(-40)
        .meta({ description: "Level below which sound is silence.", unit: "dB", examples: [-50] }),
    afterSeconds: z
        .number({ error: "use a number of seconds, such as 15" })
        .min(2, "use 2 to 600 seconds: speech has shorter pauses")
        .max(600, "use 2 to 600 seconds")
        .default(15)
        .meta({
            description: "How long a source must be silent until it counts as absent.",
            unit: "seconds",
            examples: [30],
        }),
    returnAfterSeconds: z
        .number({ error: "use a number of seconds, such as 3" })
        .min(0, "use 0 to 60 seconds")
        .max(60, "use 0 to 60 seconds")
        .default(3)
        .meta({
            description: "How long such a source must send sound again until it counts as present.",
            unit: "seconds",
            examples: [5],
        }),
});

const ingest = z.strictObject({
    bufferSeconds: z
        .number({ error: "use a number of seconds, such as 3.5" })
        .min(0.5, "use 0.5 to 10 seconds")
        .max(10, "use 0.5 to 10 seconds")
        .default(3.5)
        .meta({
            description:
                "How much of each source a Master holds. A line that stalls for less than half a second below this is " +
                "not heard; listeners hear the source later by as much, all the time.",
            unit: "seconds",
            examples: [1],
        }),
});

const master = z.strictObject({
    id: z
        .string()
        .regex(/^[a-z]$/, "use one lower-case letter, such as a")
        .meta({
            description: "One letter that names the Master in host names and mounts.",
            examples: ["a"],
        }),
    region: digitalOceanRegion.meta({
        description: "Where the Master runs. Use a region of its own for each.",
        examples: ["ams3"],
    }),
    size: dropletSize.default("s-2vcpu-2gb").meta({
        description: "Size of the Master's droplet.",
        examples: ["s-2vcpu-4gb"],
    }),
});

const relayRegion = z.strictObject({
    region: digitalOceanRegion.meta({
        description: "Where these Relays run, near their listeners. Each region once.",
        examples: ["nyc3"],
    }),
    count: z
        .int({ error: "use a whole number of Relays, such as 2" })
        .min(1, "use 1 to 50 Relays in a region")
        .max(50, "use 1 to 50 Relays in a region")
        .optional()
        .meta({
            description:
                "How many Relays run in the region. With two or more, one may fail while the others serve. If you leave it " +
                "out, it follows from expected.listeners: enough for any region to be lost.",
            unit: "Relays",
            examples: [2],
        }),
    size: dropletSize.default("s-1vcpu-1gb").meta({
        description: "Size of each Relay's droplet. It decides how many listeners a Relay serves.",
        examples: ["s-2vcpu-2gb"],
    }),
    upstreamRegions: z
        .array(digitalOceanRegion)
        .default([])
        .meta({
            description:
                "For a second tier: these Relays pull from Relays of the named regions instead of from the Masters. " +
                "The first one is preferred; all of them must be described above this one.",
            examples: [["ams3"]],
        }),
});

const tls = z.strictObject({
    acme: z
        .strictObject({
            directoryUrl: z
                .url({
                    protocol: /^https$/,
                    error: "use an https address, such as Let's Encrypt's directory",
                })
                .default("https://acme-v02.api.letsencrypt.org/directory")
                .meta({
                    description: "ACME directory of the certificate authority. The default is Let's Encrypt.",
                    pattern: "^https://",
                    examples: ["https://acme-staging-v02.api.letsencrypt.org/directory"],
                }),
            email: z.email({ error: "use an address that somebody reads, such as tech@radio.example" }).meta({
                description: "Address that the authority writes to when a certificate is about to expire.",
                examples: ["tech@radio.example"],
            }),
        })
        .meta({ description: "The certificate authority, which is asked over ACME." }),
});

const edge = z.strictObject({
    connectionsPerAddress: z
        .int({ error: "use a whole number of connections, such as 20" })
        .min(1, "use 1 to 10000 connections")
        .max(10_000, "use 1 to 10000 connections")
        .default(20)
        .meta({
            description:
                "How many connections one address may have at a Relay: enough for a family behind one router, too " +
                "few for a flood.",
            unit: "connections",
            examples: [50],
        }),
    stallSeconds: z
        .number({ error: "use a number of seconds, such as 1" })
        .min(1, "use 1 to 10 seconds")
        .max(10, "use 1 to 10 seconds")
        .default(1)
        .meta({
            description:
                "After how many seconds without audio a Relay leaves an upstream. A Relay keeps 4 s more than this in hand, " +
                "by which listeners hear everything later: so they never notice the change.",
            unit: "seconds",
            examples: [2],
        }),
});

const ssh = z.strictObject({
    allowedFrom: z
        .array(addressRange)
        .min(1, "name at least the range that pulumi up runs from")
        .meta({
            description:
                "Address ranges that may reach SSH: those of the engineers, and of the machine that runs pulumi up.",
            examples: [["203.0.113.0/24"]],
        }),
    authorizedKeys: z
        .array(publicKey)
        .default([])
        .meta({
            description:
                "Public SSH keys of the engineers, one line each. The program makes a key of its own for itself.",
            examples: [
                [
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1ZbQ6Fg0v8r2d4k6m8p0s2u4w6y8A0C2E4G6I8K0M2 ada@studio",
                ],
            ],
        }),
});

/** Whether the IANA database has this time zone, by the name that machines know it by. */
function isTimeZone(name: string): boolean {
    try {
        // Offsets such as +01:00 would pass, and have no daylight saving.
        return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }).format() !== "";
    } catch {
        return false;
    }
}

const timeZone = z
    .string()
    .refine(isTimeZone, "use a time zone of the IANA database, such as Europe/Berlin")
    .default("UTC");

function refuseDuplicates<T>(
    list: readonly T[],
    key: (item: T, index: number) => string,
    path: (index: number) => PropertyKey[],
    what: string,
    context: z.core.$RefinementCtx,
): void {
    const seen = new Map<string, number>();
    list.forEach((item, index) => {
        const value = key(item, index);
        const first = seen.get(value);
        if (first === undefined) {
            seen.set(value, index);
            return;
        }
        context.addIssue({
            code: "custom",
            path: path(index),
            input: value,
            message: `entry ${first + 1} has the same ${what}; use another`,
        });
    });
}

/** A region pulls from regions described before it, so tiers never form a loop. */
function refuseUpstreamMistakes(
    relays: readonly { region: string; upstreamRegions: string[] }[],
    context: z.core.$RefinementCtx,
): void {
    relays.forEach((pool, index) => {
        const before = relays.slice(0, index).map((other) => other.region);
        const remedy =
            before.length > 0
                ? `use a region described above this one: ${before.join(", ")}`
                : "leave it out: the first region pulls from the Masters";
        pool.upstreamRegions.forEach((upstream, i) => {
            if (!before.includes(upstream)) {
                context.addIssue({
                    code: "custom",
                    path: ["relays", index, "upstreamRegions", i],
                    input: upstream,
                    message: remedy,
                });
            }
        });
    });
}

/** A station, as `aerial:station` of a stack describes it. */
export const stationSchema = z
    .strictObject({
        name: title.meta({
            description: "Name of the station, as people know it.",
            examples: ["Radio Meridian"],
        }),
        domain: domain.meta({
            description:
                "Domain of the station, which the zone at Cloudflare holds. With radio.example, listeners connect to " +
                "stream.radio.example, and sources to ingest.radio.example.",
            examples: ["radio.example"],
        }),
        timeZone: timeZone.meta({
            description:
                "Time zone of the station, by its name in the IANA database: of the playout's schedule, of the quiet hour, and of " +
                "what `aerial-archive` is asked for.",
            examples: ["Europe/Amsterdam"],
        }),
        channels: z
            .array(channel)
            .min(1, "describe at least one channel")
            .max(8, "use at most 8 channels")
            .meta({ description: "The programmes that listeners choose from." }),
        sources: z
            .array(source)
            .min(1, "name at least one source, such as { name: studio, title: Studio }")
            .max(6, "use at most 6 sources")
            .default([
                { name: "studio", title: "Studio" },
                { name: "mobile", title: "Mobile studio" },
                { name: "airtime", title: "Airtime playout" },
            ])
            .meta({
                description:
                    "What may send to the Masters, by priority: listeners hear the first one that is present.",
            }),
        silence: silence.prefault({}).meta({
            description: "When a source that is connected, but sends silence, counts as absent.",
        }),
        ingest: ingest.prefault({}).meta({ description: "How Masters take sources in." }),
        masters: z
            .array(master)
            .min(2, "describe at least two Masters: with only one, its loss would stop the programme")
            .max(4, "use at most 4 Masters")
            .meta({
                description:
                    "The machines that sources connect to and Relays pull from. All of them always play; the first " +
                    "one is preferred.",
            }),
        relays: z
            .array(relayRegion)
            .min(1, "describe at least one region with Relays")
            .meta({ description: "The machines that serve the listeners, by region." }),
        expected: expectedSchema.prefault({}),
        airtime: airtimeSchema.optional(),
        digitalOcean: digitalOceanSchema.prefault({}),
        aws: awsSchema.optional(),
        canary: canarySchema.optional(),
        backup: backupSchema,
        monitoring: monitoringSchema,
        recordings: recordingsSchema,
        dns: dnsSchema,
        tls: tls.meta({ description: "The public certificate of the station's names." }),
        icecast: z
            .enum(icecastVersions, { error: 'use "2.4" or "2.5", in quotes' })
            .default("2.4")
            .meta({
                description:
                    "Version of Icecast on Masters and Relays. 2.4 is Debian 13's own: Debian fixes it, upstream only " +
                    "until 2026-12-31. 2.5 comes from Debian's backports: upstream fixes it.",
                examples: ["2.5"],
            }),
        edge: edge.prefault({}).meta({ description: "What a Relay allows its listeners." }),
        rollout: rolloutSchema.prefault({}),
        ssh: ssh.meta({ description: "Who may connect to the machines over SSH." }),
        rotation: rotationSchema.prefault({}),
    })
    .superRefine((given, context) => {
        refuseExpectedMistakes(given, context);
        const station = withRelayCounts(given);
        refuseDuplicates(
            station.channels,
            (c) => c.id,
            (i) => ["channels", i, "id"],
            "id",
            context,
        );
        refuseDuplicates(
            station.channels,
            // A repeated id has been named above; its mount repeats with it.
            (c, i) =>
                station.channels.findIndex((other) => other.id === c.id) === i ? (c.mount ?? c.id) : `#${i}`,
            (i) => ["channels", i, "mount"],
            "mount",
            context,
        );
        refuseDuplicates(
            station.sources,
            (s) => s.name,
            (i) => ["sources", i, "name"],
            "name",
            context,
        );
        refuseDuplicates(
            station.masters,
            (m) => m.id,
            (i) => ["masters", i, "id"],
            "id",
            context,
        );
        refuseDuplicates(
            station.relays,
            (r) => r.region,
            (i) => ["relays", i, "region"],
            "region",
            context,
        );
        refuseUpstreamMistakes(station.relays, context);
        refuseBeyondDropletLimit(station, context);
        refuseBeyondPlan(station, context);
        refuseAirtimeMistakes(station, context);
        refuseCanaryMistakes(station, context);
        refuseBackupMistakes(station, context);
        refuseRecordingsMistakes(station, context);
        refuseBucketMistakes(station, context);
        refuseRotationMistakes(station, context);
        refuseEarsMistakes(station, context);
        station.channels.forEach((c, index) => {
            refuseDuplicates(
                c.formats,
                (f) => f.codec,
                (i) => ["channels", index, "formats", i, "codec"],
                "codec (mounts end in the codec)",
                context,
            );
        });
    })
    .transform((station) => withRelayCounts(station));

export type Station = z.output<typeof stationSchema>;
