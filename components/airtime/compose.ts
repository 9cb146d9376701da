/** Name of the project, and so the start of its containers' names. */
export const composeProject = "libretime";

/** The release whose published compose file this follows, and what it is published with. */
const libretimeVersion = "4.5.0";

interface Service {
    image: string;
    command?: string;
    init?: boolean;
    ulimits?: { nofile: number };
    depends_on?: Record<string, { condition: "service_healthy" | "service_started" }>;
    environment?: Record<string, string>;
    ports?: string[];
    volumes?: string[];
    healthcheck?: { test: string[]; interval: string; retries: number; start_period: string };
    restart: "always";
    logging: { driver: "journald" };
}

/**
 * LibreTime's services, as its release has them, but: no Icecast of its own (the Masters are), nothing heard beyond this
 * machine, data on the volume, passwords of this machine's making, and words in the journal.
 *
 * @param folder on the volume, for data
 * @param webPort on 127.0.0.1
 */
export function libretimeCompose(folder: string, webPort: number): object {
    const own = { restart: "always", logging: { driver: "journald" } } as const;
    const config = "/etc/aerial/libretime/config:/etc/libretime:ro";
    const storage = `${folder}/storage:/srv/libretime`;
    // What services speak to each other by; people use general.public_url.
    const environment = { LIBRETIME_GENERAL_PUBLIC_URL: "http://nginx:8080" };
    const healthy = { condition: "service_healthy" } as const;
    const part = (name: string, rest: Partial<Service>): Service => ({
        image: `ghcr.io/libretime/libretime-${name}:${libretimeVersion}`,
        init: true,
        // Programs that close every file they could have open take minutes with Docker's default.
        ulimits: { nofile: 1024 },
        depends_on: { rabbitmq: healthy },
        ...rest,
        ...own,
    });
    const services: Record<string, Service> = {
        postgres: {
            image: "postgres:15",
            environment: { POSTGRES_USER: "libretime", POSTGRES_PASSWORD: "@{local.libretime-database}" },
            volumes: [`${folder}/postgres:/var/lib/postgresql/data`],
            healthcheck: check(["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "libretime"]),
            ...own,
        },
        rabbitmq: {
            image: "rabbitmq:3.13-alpine",
            environment: {
                RABBITMQ_DEFAULT_VHOST: "/libretime",
                RABBITMQ_DEFAULT_USER: "libretime",
                RABBITMQ_DEFAULT_PASS: "@{local.libretime-queue}",
            },
            healthcheck: check(["CMD", "nc", "-z", "127.0.0.1", "5672"]),
            ...own,
        },
        playout: part("playout", { environment, volumes: [config, "playout:/app"] }),
        liquidsoap: part("playout", {
            command: "/usr/local/bin/libretime-liquidsoap",
            environment,
            // Live sources of the playout's own; by tunnel only, since encoders go to the Masters.
            ports: ["127.0.0.1:8001:8001", "127.0.0.1:8002:8002"],
            volumes: [config, "playout:/app"],
        }),
        analyzer: part("analyzer", { environment, volumes: [config, storage] }),
        worker: part("worker", { environment, volumes: [config] }),
        api: part("api", {
            depends_on: { postgres: healthy, rabbitmq: healthy },
            volumes: [config, storage],
        }),
        legacy: part("legacy", {
            depends_on: { postgres: healthy, rabbitmq: healthy },
            volumes: [config, storage],
        }),
        nginx: {
            image: `ghcr.io/libretime/libretime-nginx:${libretimeVersion}`,
            depends_on: { legacy: { condition: "service_started" }, api: { condition: "service_started" } },
            ports: [`127.0.0.1:${webPort}:8080`],
            volumes: [`${storage}:ro`],
            ...own,
        },
    };
    return { services, volumes: { playout: {} } };
}

function check(test: string[]): Service["healthcheck"] {
    return { test, interval: "5s", retries: 12, start_period: "60s" };
}
