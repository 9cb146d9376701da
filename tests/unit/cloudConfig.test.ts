import { parse } from "yaml";

import {
    renderCloudConfig,
    renderJoiningConfig,
    userDataLimitBytes,
    type CloudConfigArgs,
} from "../../components/machine/cloudConfig";

const machine: CloudConfigArgs = {
    hostname: "master-a",
    deployKey: "ssh-ed25519 deploy",
    enrolHostKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nfirst contact\n-----END OPENSSH PRIVATE KEY-----\n",
};

function render(change: Partial<CloudConfigArgs> = {}, limitBytes: number = userDataLimitBytes.digitalOcean) {
    return renderCloudConfig({ ...machine, ...change }, limitBytes);
}

interface Document {
    users: object[];
    bootcmd: string[][];
    packages?: string[];
    write_files: { path: string; permissions: string; content: string }[];
    runcmd: string[][];
}

const read = (text: string) => parse(text) as Document;

describe("cloud-config", () => {
    it("differs between machines in their names and keys only", () => {
        const other = {
            hostname: "relay-nyc3-1",
            deployKey: "ssh-ed25519 other",
            enrolHostKey: machine.enrolHostKey.replace("first contact", "another"),
        };
        const text = render(other)
            .replace("relay-nyc3-1", machine.hostname)
            .replace("ssh-ed25519 other", machine.deployKey)
            .replace("another", "first contact");
        expect(text).toBe(render());
    });

    it("is small, and installs nothing, so that a slow mirror does not keep the first contact waiting", () => {
        expect(Buffer.byteLength(render())).toBeLessThan(8 * 1024);
        expect(Object.keys(read(render())).filter((key) => key.startsWith("package"))).toEqual([]);
    });

    it("lets the program in alone, with its key", () => {
        expect(read(render())).toMatchObject({
            hostname: "master-a",
            disable_root: true,
            users: [{ name: "aerial", lock_passwd: true, ssh_authorized_keys: ["ssh-ed25519 deploy"] }],
        });
    });

    it("keeps SSH closed until the machine has its own host key, and opens the first contact", () => {
        const { bootcmd, runcmd } = read(render());
        expect(bootcmd).toEqual([
            ["cloud-init-per", "once", "aerial-mask", "systemctl", "mask", "ssh.service"],
        ]);
        expect(runcmd.at(-1)).toEqual(["systemctl", "enable", "--now", "aerial-enrol.service"]);
    });

    it("writes the key of the first contact for root only, and what takes a delivery as a program", () => {
        const files = read(render()).write_files;
        expect(files.find(({ path }) => path === "/etc/aerial/enrol/host_key")).toMatchObject({
            permissions: "0600",
            content: machine.enrolHostKey,
        });
        expect(files.find(({ path }) => path === "/usr/local/sbin/aerial-receive")).toMatchObject({
            permissions: "0755",
            content: expect.stringMatching(/^#!\/usr\/bin\/python3\n/) as string,
        });
    });

    it("knows Debian's backports at the mirror of the provider's image, for deliveries that ask for them", () => {
        expect(parse(render())).toMatchObject({
            apt: {
                sources: { "aerial-backports.list": { source: "deb $MIRROR trixie-backports main" } },
            },
        });
    });

    it("is plain ASCII, so that cloud-init keeps it as it is", () => {
        expect(render()).toMatch(/^[\u0000-\u007f]*$/);
    });

    it("larger than the provider takes is refused, with the machine and by how much", () => {
        const bytes = Buffer.byteLength(render());
        expect(() => render({}, bytes - 1)).toThrow(
            `the user data of master-a has ${bytes} bytes, 1 more than the provider takes`,
        );
        expect(render({}, bytes)).toBe(render());
    });
});

describe("cloud-config of a machine that joins by itself", () => {
    const loader = [{ path: "/usr/local/sbin/load", content: "#!/bin/sh\n", mode: "0755" }];
    const join = (limitBytes: number = userDataLimitBytes.ec2): string =>
        renderJoiningConfig(
            { name: "canary", loader, packages: ["python3-boto3"], unit: "load.service" },
            limitBytes,
        );

    it("holds its loader and what that needs, and lets nobody in", () => {
        const document = read(join());
        expect(document).toMatchObject({
            preserve_hostname: true,
            users: [],
            bootcmd: [
                ["cloud-init-per", "once", "aerial-mask", "systemctl", "mask", "ssh.service", "ssh.socket"],
            ],
            package_update: true,
            packages: ["python3-boto3"],
            write_files: [
                { path: "/usr/local/sbin/load", permissions: "0755", content: "#!/bin/sh\n" },
                { path: "/usr/local/sbin/aerial-receive", permissions: "0755" },
            ],
        });
        expect(document.runcmd.at(-1)).toEqual(["systemctl", "enable", "--now", "load.service"]);
    });

    it("larger than EC2 takes is refused", () => {
        expect(() => join(1000)).toThrow(
            /user data of canary has \d+ bytes, \d+ more than the provider takes/,
        );
    });
});
