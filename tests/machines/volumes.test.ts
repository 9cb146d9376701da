import "./ownLab";

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { removeLab } from "../../lab/machines/removeLab";
import { ensureImage } from "../../lab/machines/image";
import {
    bootMachine,
    createMachine,
    destroyMachine,
    execInMachine,
    killMachine,
} from "../../lab/machines/machines";
import { labPath } from "../../lab/paths";

/* A volume in real machines of a lab of its own. */

const volume = { source: labPath("volumes", "odd:name"), target: "/mnt/aerial_test_airtime" };

const machine = (id: string) => ({
    id,
    name: "airtime",
    region: "ams3",
    publicAddress: "198.18.0.10",
    userData: "#cloud-config\n{}\n",
    volumes: [volume],
});

beforeAll(async () => {
    await removeLab();
    await ensureImage();
    mkdirSync(volume.source, { recursive: true, mode: 0o755 });
}, 600_000);

afterAll(() => removeLab());

test("a volume is mounted where the cloud mounts it, also after a power cut, and outlives its machine", async () => {
    writeFileSync(join(volume.source, "show"), "one\n");
    await createMachine(machine("1"));
    const sh = (id: string, script: string) => execInMachine(id, ["sh", "-euc", script]);
    await sh("1", `mountpoint -q ${volume.target} && echo two >>${volume.target}/show`);
    await killMachine("1");
    await bootMachine("1");
    await sh("1", `mountpoint -q ${volume.target} && echo three >>${volume.target}/show`);
    await destroyMachine("1");
    expect(readFileSync(join(volume.source, "show"), "utf8")).toBe("one\ntwo\nthree\n");
    await createMachine(machine("2"));
    expect((await sh("2", `cat ${volume.target}/show`)).stdout).toBe("one\ntwo\nthree\n");
});
