import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse } from "yaml";
import { z } from "zod";

import type { AirtimePlan } from "../../components/airtime/plan";
import { renderAirtime } from "../../components/airtime/render";
import { libretimePlan } from "../support/airtimePlan";

/*
 * LibreTime's configuration against what its documentation of 4.5 says of every key, and its compose file against
 * `docker compose config` where that is installed, else against the rules of the Compose specification that matter here.
 */

const port = z.int().min(1).max(65_535);
const url = z.url({ protocol: /^https?$/ });
const mount = z.string().regex(/^[^/]/);

const bitrates = [32, 48, 64, 96, 128, 160, 192, 224, 256, 320];
const audio = z.strictObject({
    format: z.enum(["aac", "mp3", "ogg", "opus"]),
    bitrate: z.int().refine((rate) => bitrates.includes(rate)),
    channels: z.enum(["stereo", "mono"]).optional(),
});

const harbor = z.strictObject({
    enabled: z.boolean().optional(),
    public_url: url.optional(),
    mount,
    port,
    secure: z.boolean().optional(),
});

const icecast = z.strictObject({
    enabled: z.boolean().optional(),
    public_url: url.optional(),
    host: z.string().optional(),
    port: port.optional(),
    mount,
    source_user: z.string().optional(),
    source_password: z.string(),
    admin_user: z.string().optional(),
    admin_password: z.string().optional(),
    audio,
    name: z.string().optional(),
    description: z.string().optional(),
    website: z.string().optional(),
    genre: z.string().optional(),
    mobile: z.boolean().optional(),
});

/** https://libretime.org/docs/admin-manual/configuration, release 4.5. */
const documented = z.strictObject({
    general: z.strictObject({
        public_url: url,
        api_key: z.string().min(1),
        secret_key: z.string().min(1),
        allowed_cors_origins: z.array(url).optional(),
        timezone: z.string().optional(),
        cache_ahead_hours: z.int().optional(),
        auth: z.string().optional(),
    }),
    storage: z.strictObject({ path: z.string().regex(/[^/]$/) }).optional(),
    database: z.strictObject({
        host: z.string(),
        port,
        name: z.string(),
        user: z.string(),
        password: z.string(),
    }),
    rabbitmq: z.strictObject({
        host: z.string(),
        port,
        vhost: z.string(),
        user: z.string(),
        password: z.string(),
    }),
    playout: z.strictObject({ liquidsoap_host: z.string(), liquidsoap_port: port }),
    liquidsoap: z.strictObject({
        server_listen_address: z.string(),
        server_listen_port: port,
        harbor_listen_address: z.array(z.string()),
    }),
    stream: z.strictObject({
        inputs: z.strictObject({ main: harbor, show: harbor }),
        outputs: z.strictObject({
            icecast: z.array(icecast).max(3),
            shoutcast: z.array(z.unknown()).max(1),
            system: z.array(z.unknown()).max(1),
        }),
    }),
});

/** A delivered or local secret with everything that YAML could trip over. */
const awkward = (name: string) => `${name}: "q" 'a' #{1} \\ $HOME %s é - [x] {y}`;

/** What stands in a file once its placeholders are filled in. */
function filled(name: string, plan: AirtimePlan = libretimePlan()): string {
    const file = renderAirtime(plan).files.find(({ path }) => path === `/etc/aerial/libretime/${name}`);
    return (file?.content ?? "").replace(/@\{([^}]*)\}/g, (_, secret: string) =>
        JSON.stringify(awkward(secret)),
    );
}

describe("LibreTime's configuration", () => {
    const config = documented.parse(parse(filled("config/config.yml")));

    it("keeps to the documented keys and values", () => {
        expect(documented.safeParse(parse(filled("config/config.yml"))).error).toBeUndefined();
    });

    it("has an output for each Master, and no other", () => {
        expect(config.stream.outputs.icecast).toEqual(
            ["198.19.0.1", "198.19.0.2"].map((host) => ({
                enabled: true,
                host,
                port: 8000,
                mount: "main-airtime",
                source_user: "airtime",
                source_password: awkward("source.main.airtime"),
                audio: { format: "mp3", bitrate: 320 },
                name: "Main",
                description: "Radio Test",
            })),
        );
        expect(config.stream.outputs).toMatchObject({ shoutcast: [], system: [] });
    });

    it("holds a title that YAML could take for something else, as it is", () => {
        const stationName = `yes: "no" - #1 {a} [b] & *c !d | > % é`;
        const { stream } = documented.parse(
            parse(filled("config/config.yml", libretimePlan({ stationName }))),
        );
        expect(stream.outputs.icecast[0]?.description).toBe(stationName);
    });
});

/** Of the Compose specification, what is used here; nothing else may stand in a service. */
const service = z.strictObject({
    image: z.string().regex(/^[a-z0-9./-]+:[\w.-]+$/),
    command: z.string().optional(),
    init: z.boolean().optional(),
    ulimits: z.record(z.string(), z.int()).optional(),
    depends_on: z
        .record(z.string(), z.strictObject({ condition: z.enum(["service_started", "service_healthy"]) }))
        .optional(),
    environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()).optional(),
    ports: z.array(z.string()).optional(),
    volumes: z.array(z.string()).optional(),
    healthcheck: z
        .strictObject({
            test: z.tuple([z.literal("CMD")], z.string()),
            interval: z.string().regex(/^\d+s$/),
            retries: z.int(),
            start_period: z.string().regex(/^\d+s$/),
        })
        .optional(),
    restart: z.enum(["no", "always", "on-failure", "unless-stopped"]).optional(),
    logging: z.strictObject({ driver: z.string() }).optional(),
});
const compose = z.strictObject({
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.strictObject({})),
});

describe("LibreTime's compose file", () => {
    // A machine's own secrets are hexadecimal: `$` would be a variable to Compose.
    const text = filled("compose.yml").replace(/"local\.([a-z-]+): [^\n]*"/g, '"5ec4e7$1"');
    const { services, volumes } = compose.parse(parse(text));

    it("has the published services, without an Icecast of its own, at one release", () => {
        expect(Object.keys(services)).toEqual([
            ...["postgres", "rabbitmq", "playout", "liquidsoap"],
            ...["analyzer", "worker", "api", "legacy", "nginx"],
        ]);
        const images = Object.values(services).map(({ image }) => image);
        expect(images.filter((image) => image.startsWith("ghcr.io/libretime/libretime-")).length).toBe(7);
        expect(images.filter((image) => image.includes("libretime") && !image.endsWith(":4.5.0"))).toEqual(
            [],
        );
    });

    it("refers only to services, conditions and volumes that it has", () => {
        for (const { depends_on = {}, volumes: mounts = [] } of Object.values(services)) {
            for (const [name, { condition }] of Object.entries(depends_on)) {
                expect(Object.keys(services)).toContain(name);
                expect(condition === "service_healthy" && !services[name]?.healthcheck).toBe(
                    // The images of LibreTime's API bring a check of their own.
                    false,
                );
            }
            const named = mounts.flatMap((mount) => (mount.startsWith("/") ? [] : [mount.split(":")[0]]));
            expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named));
        }
    });

    it("is heard on this machine alone", () => {
        const ports = Object.values(services).flatMap((one) => one.ports ?? []);
        expect(ports).toEqual(["127.0.0.1:8001:8001", "127.0.0.1:8002:8002", "127.0.0.1:8080:8080"]);
    });

    it("keeps database and shows on the volume", () => {
        const folder = "/mnt/aerial_test_airtime/libretime";
        expect(services.postgres?.volumes).toEqual([`${folder}/postgres:/var/lib/postgresql/data`]);
        for (const name of ["analyzer", "api", "legacy"]) {
            expect(services[name]?.volumes).toContain(`${folder}/storage:/srv/libretime`);
        }
        expect(services.nginx?.volumes).toEqual([`${folder}/storage:/srv/libretime:ro`]);
    });

    const hasCompose = spawnSync("docker", ["compose", "version"]).status === 0;

    (hasCompose ? it : it.skip)("is what docker compose accepts, where that is installed", () => {
        const folder = mkdtempSync(join(tmpdir(), "aerial-compose-"));
        writeFileSync(join(folder, "compose.yml"), text);
        const argv = ["compose", "--file", join(folder, "compose.yml"), "config", "--quiet"];
        const { status, stderr } = spawnSync("docker", argv, { encoding: "utf8" });
        rmSync(folder, { recursive: true });
        expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    });
});

describe("LibreTime's passwords", () => {
    const files = ["config/config.yml", "compose.yml"].map((name) => parse(filled(name)) as unknown);

    /** Every text in a document under a key that means a password, by its path. */
    function passwords(value: unknown, path = ""): [string, unknown][] {
        if (typeof value !== "object" || value === null) {
            return /(pass(word)?|_key|secret)$/i.test(path) ? [[path, value]] : [];
        }
        return Object.entries(value).flatMap(([key, inner]) => passwords(inner, `${path}.${key}`));
    }

    it("are all secrets of this station or of this machine, and none is published", () => {
        const found = files.flatMap((file) => passwords(file));
        expect(found.map(([path]) => path.replace(/.*\./, "")).sort()).toEqual([
            ...["POSTGRES_PASSWORD", "RABBITMQ_DEFAULT_PASS", "api_key"],
            ...["password", "password", "secret_key", "source_password", "source_password"],
        ]);
        for (const [path, value] of found) {
            expect([path, value]).toEqual([
                path,
                expect.stringMatching(/^(local\.libretime-\w+|source\.main\.airtime): /),
            ]);
        }
        const published = /some_secret_api_key|hackme|guest|changeme/i;
        expect(files.map((file) => JSON.stringify(file)).filter((text) => published.test(text))).toEqual([]);
    });

    it("of the database and the queue are the same on both sides", () => {
        const [config, composed] = files as [z.output<typeof documented>, z.output<typeof compose>];
        const environment = (name: string) => composed.services[name]?.environment;
        expect(config.database.password).toBe(environment("postgres")?.POSTGRES_PASSWORD);
        expect(config.rabbitmq.password).toBe(environment("rabbitmq")?.RABBITMQ_DEFAULT_PASS);
    });
});
