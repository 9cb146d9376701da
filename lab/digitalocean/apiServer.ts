import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { z } from "zod";

import { exclusively, nextNumber } from "../cloud/records";
import { backend } from "./backend";
import { removeDroplet } from "./droplet";
import { enforceFirewalls } from "./firewallRules";
import { statusOf } from "./found";
import { droplets, tags, type DropletRecord } from "./records";

/*
 * The part of DigitalOcean's API that programs of the station call by themselves, as its reference says (2026-11): droplets
 * by id and by tag, their removal and shutdown, tags, and tags on droplets. It lives while an operation of the engine does.
 */

/** The token that the lab's account takes. */
const token = "the-lab-s-token";

/** As many as the API gives at most. */
const largestPage = 200;

interface Answer {
    status: number;
    body?: object;
}

function problem(status: number, id: string, message: string): Answer {
    return { status, body: { id, message, request_id: randomUUID() } };
}

const notFound = problem(404, "not_found", "The resource you were accessing could not be found.");

function described(droplet: DropletRecord): object {
    const { id, name, tags: given, vpcUuid, region, size, address, createdAt } = droplet;
    return {
        ...{ id, name, status: statusOf(droplet), tags: given, locked: false },
        ...{ vpc_uuid: vpcUuid, size_slug: size, created_at: createdAt, region: { slug: region } },
        networks: { v4: [{ ip_address: address, type: "public" }], v6: [] },
    };
}

const shutdown = z.object({ type: z.literal("shutdown") });
const tagged = z.object({
    resources: z.array(z.object({ resource_id: z.string(), resource_type: z.literal("droplet") })),
});

/** What was asked for goes on when it has been answered. */
type Begin = (work: Promise<unknown>) => void;

async function answer(method: string, url: URL, body: unknown, begin: Begin): Promise<Answer> {
    const [, version, kind, id = "", part] = url.pathname.split("/").map(decodeURIComponent);
    const wanted = `${method} /${[version, kind, id && ":id", part].filter(Boolean).join("/")}`;
    const droplet = kind === "droplets" && id !== "" ? droplets.get(id) : undefined;
    if (kind === "droplets" && id !== "" && !droplet) {
        return notFound;
    }
    switch (wanted) {
        case "GET /v2/droplets":
            return { status: 200, body: listed(url) };
        case "GET /v2/droplets/:id":
            return { status: 200, body: { droplet: droplet && described(droplet) } };
        case "DELETE /v2/droplets/:id":
            begin(removeDroplet(Number(id)));
            return { status: 204 };
        case "POST /v2/droplets/:id/actions":
            if (!shutdown.safeParse(body).success) {
                return problem(422, "unprocessable_entity", "the lab knows the action shutdown only");
            }
            // A system that hangs stays on, as there.
            begin(backend().shutDown(Number(id)));
            return {
                status: 201,
                body: { action: { id: nextNumber("action", 1), status: "in-progress", type: "shutdown" } },
            };
        case "GET /v2/tags/:id":
            return describedTag(id);
        case "POST /v2/tags/:id/resources":
            return tag(id, body);
        default:
            return notFound;
    }
}

function listed(url: URL): object {
    const tagName = url.searchParams.get("tag_name");
    const page = Number(url.searchParams.get("page") ?? "1");
    const perPage = Math.min(Number(url.searchParams.get("per_page") ?? "20"), largestPage);
    const all = droplets.all().filter((droplet) => tagName === null || droplet.tags.includes(tagName));
    const shown = all.slice((page - 1) * perPage, page * perPage);
    const next = new URL(url);
    next.searchParams.set("page", String(page + 1));
    return {
        droplets: shown.map(described),
        links: page * perPage < all.length ? { pages: { next: next.href } } : {},
        meta: { total: all.length },
    };
}

function describedTag(name: string): Answer {
    if (!tags.get(name)) {
        return notFound;
    }
    const count = droplets.all().filter((droplet) => droplet.tags.includes(name)).length;
    return { status: 200, body: { tag: { name, resources: { count, droplets: { count } } } } };
}

/** The API takes a resource that has the tag already. */
async function tag(name: string, body: unknown): Promise<Answer> {
    const parsed = tagged.safeParse(body);
    if (!parsed.success) {
        return problem(422, "unprocessable_entity", "resources is invalid");
    }
    return exclusively(async () => {
        const found = parsed.data.resources.map((resource) => droplets.get(resource.resource_id));
        if (!tags.get(name) || found.includes(undefined)) {
            return notFound;
        }
        for (const droplet of found.filter((one) => one !== undefined)) {
            droplets.put(String(droplet.id), { ...droplet, tags: [...new Set([...droplet.tags, name])] });
        }
        await enforceFirewalls();
        return { status: 204 };
    });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
    const pieces: Buffer[] = [];
    for await (const piece of request) {
        pieces.push(piece as Buffer);
    }
    const text = Buffer.concat(pieces).toString("utf8");
    return text === "" ? undefined : (JSON.parse(text) as unknown);
}

/** The API, and where programs find it. */
export interface DropletApi {
    /** For the environment of the engine: address and token, by the names that DigitalOcean's provider reads. */
    environment: Record<string, string>;
    /** Ends the server, when what it has begun is done. */
    close(): Promise<void>;
}

/** Starts the API on a free port of the loopback. */
export async function serveDropletApi(): Promise<DropletApi> {
    const begun = new Set<Promise<unknown>>();
    const begin: Begin = (work) => {
        const ended = work
            .catch((error: unknown) => console.error(`the lab's DigitalOcean: ${String(error)}`))
            .finally(() => begun.delete(ended));
        begun.add(ended);
    };
    async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
        const { status, body } =
            request.headers.authorization === `Bearer ${token}`
                ? await answer(request.method ?? "GET", url, await readBody(request), begin)
                : problem(401, "Unauthorized", "Unable to authenticate you");
        response.writeHead(status, { "Content-Type": "application/json", Connection: "close" });
        response.end(body && JSON.stringify(body));
    }
    const server = createServer((request, response) => {
        handle(request, response).catch((error: unknown) => {
            response.writeHead(500);
            response.end(JSON.stringify({ id: "server_error", message: String(error) }));
        });
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    return {
        environment: { DIGITALOCEAN_API_URL: `http://127.0.0.1:${port}`, DIGITALOCEAN_TOKEN: token },
        close: async () => {
            await Promise.all(begun);
            await new Promise((resolve) => server.close(resolve));
        },
    };
}
