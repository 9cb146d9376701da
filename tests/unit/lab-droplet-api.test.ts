import "./ownRecordLab";

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { digitalocean } from "../../lab/digitalocean";
import { serveDropletApi, type DropletApi } from "../../lab/digitalocean/apiServer";
import { droplets } from "../../lab/digitalocean/records";
import type { ResourceKind } from "../../lab/cloud/kind";
import { sweep } from "../../lab/engine/sweep";
import { labFolder } from "../../lab/paths";

/* The API by which programs end droplets, as the lab answers it, in record mode. */

const context = { urn: "urn:test", name: "test", log: () => undefined };

function kind(name: string): ResourceKind {
    const found = digitalocean.kinds.find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

const create = async (name: string, tags: string[]): Promise<string> => {
    const place = { image: "debian-13-x64", size: "s-1vcpu-1gb", region: "ams3" };
    return (await kind("Droplet").create({ ...place, name, tags }, context)).id;
};

let api: DropletApi;

beforeAll(async () => {
    api = await serveDropletApi();
});
afterEach(async () => {
    for (const id of droplets.ids()) {
        droplets.remove(id);
    }
    await sweep(new Set());
});
afterAll(async () => {
    await api.close();
    rmSync(labFolder, { recursive: true, force: true });
});

async function ask(method: string, path: string, body?: object, token?: string) {
    const { DIGITALOCEAN_API_URL: root, DIGITALOCEAN_TOKEN: ours } = api.environment;
    const answer = await fetch(new URL(path, root), {
        method,
        headers: { Authorization: `Bearer ${token ?? ours}` },
        ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
}

const tagging = (id: string): object => ({ resources: [{ resource_id: id, resource_type: "droplet" }] });

describe("the lab's droplet API", () => {
    it("answers nobody without the account's token", async () => {
        expect(await ask("GET", "/v2/droplets", undefined, "another")).toMatchObject({
            status: 401,
            body: { id: "Unauthorized" },
        });
    });

    it("tells of a droplet what the provider told, and 404 of one that is not there", async () => {
        const id = await create("relay-ams3-1", ["link"]);
        expect(await ask("GET", `/v2/droplets/${id}`)).toMatchObject({
            status: 200,
            body: { droplet: { id: Number(id), name: "relay-ams3-1", tags: ["link"], status: "off" } },
        });
        for (const [method, path] of [
            ["GET", "/v2/droplets/1"],
            ["DELETE", "/v2/droplets/1"],
            ["POST", "/v2/droplets/1/actions"],
            ["GET", "/v2/volumes"],
            ["GET", "/v2/tags/x-unknown"],
        ] as const) {
            expect(await ask(method, path)).toMatchObject({ status: 404, body: { id: "not_found" } });
        }
    });

    it("lists droplets by tag, page by page", async () => {
        for (const name of ["a", "b", "c"]) {
            await create(name, ["link"]);
        }
        await create("d", []);
        const first = await ask("GET", "/v2/droplets?tag_name=link&per_page=2");
        expect(first.body).toMatchObject({
            droplets: [{ name: "a" }, { name: "b" }],
            links: { pages: { next: expect.stringMatching(/tag_name=link.*page=2/) as string } },
            meta: { total: 3 },
        });
        const second = await ask("GET", "/v2/droplets?tag_name=link&per_page=2&page=2");
        expect(second.body).toMatchObject({ droplets: [{ name: "c" }], links: {} });
    });

    it("tags a droplet, once, with a tag that exists", async () => {
        const id = await create("relay-ams3-1", []);
        expect(await ask("POST", "/v2/tags/x-draining/resources", tagging(id))).toMatchObject({
            status: 404,
        });
        await kind("Tag").create({ name: "x-draining" }, context);
        for (let times = 0; times < 2; times++) {
            expect(await ask("POST", "/v2/tags/x-draining/resources", tagging(id))).toMatchObject({
                status: 204,
            });
        }
        expect(droplets.get(id)?.tags).toEqual(["x-draining"]);
        expect(await ask("POST", "/v2/tags/x-draining/resources", { resources: "all" })).toMatchObject({
            status: 422,
        });
    });

    it("tells of a tag how many droplets have it", async () => {
        await kind("Tag").create({ name: "x-known" }, context);
        await create("relay-ams3-1", ["x-known"]);
        await create("relay-ams3-2", []);
        expect(await ask("GET", "/v2/tags/x-known")).toMatchObject({
            status: 200,
            body: { tag: { name: "x-known", resources: { count: 1, droplets: { count: 1 } } } },
        });
    });

    it("deletes a droplet, and knows it no more", async () => {
        const id = await create("relay-ams3-1", []);
        expect(await ask("DELETE", `/v2/droplets/${id}`)).toMatchObject({ status: 204 });
        const deadline = Date.now() + 5000;
        while (droplets.get(id) && Date.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
        expect(await ask("GET", `/v2/droplets/${id}`)).toMatchObject({ status: 404 });
    });

    it("is what the station's own program ends a droplet by", async () => {
        const id = await create("relay-ams3-1", []);
        const child = spawn(process.execPath, ["components/dropletMachine/end-droplet.mjs"], {
            cwd: join(__dirname, "..", ".."),
            stdio: ["ignore", "ignore", "inherit"],
            env: {
                ...api.environment,
                AERIAL_MACHINE: "relay-ams3-1",
                AERIAL_DROPLET: id,
                AERIAL_ADDRESS: "127.0.0.1",
                AERIAL_HOST_KEY: "none is needed",
                AERIAL_USER: "aerial",
                AERIAL_DRAINING_TAG: "x-draining",
                AERIAL_DRAIN_LIMIT_SECONDS: "1",
                AERIAL_WAIT_LIMIT_SECONDS: "1",
                AERIAL_ANSWER_SECONDS: "1",
                AERIAL_CLOSE_PER_SECOND: "1",
                AERIAL_POLL_SECONDS: "0.05",
                AERIAL_HTTP_PORT: "1",
            },
        });
        expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
        expect(droplets.all()).toEqual([]);
    });
});

describe("a droplet that was left behind", () => {
    it("outlives the removal of what an interrupted up has left, and no other droplet does", async () => {
        await create("relay-ams3-1", ["aerial-lab-link", "aerial-lab-draining"]);
        await create("relay-ams3-2", ["aerial-lab-link"]);
        await sweep(new Set());
        expect(droplets.all().map(({ name }) => name)).toEqual(["relay-ams3-1"]);
    });

    it("is found by the look-up that the program makes", async () => {
        await create("relay-ams3-1", ["aerial-lab-link", "aerial-lab-draining"]);
        await create("airtime", []);
        const [lookUp] = digitalocean.functions ?? [];
        const answer = await lookUp?.answer({ filters: [{ key: "tags", values: ["aerial-lab-link"] }] });
        expect(answer?.droplets).toEqual([
            expect.objectContaining({
                name: "relay-ams3-1",
                region: "ams3",
                status: "off",
                tags: ["aerial-lab-link", "aerial-lab-draining"],
                ipv4Address: expect.any(String) as string,
            }),
        ]);
    });
});
