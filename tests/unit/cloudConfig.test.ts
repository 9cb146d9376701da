import { randomBytes } from "node:crypto";

import { renderCloudConfig, userDataLimitBytes } from "../../components/machine/cloudConfig";
import type { MachineRole } from "../../components/machine/role";

const empty: MachineRole = { packages: [], files: [], units: [], maskedUnits: [] };

function render(role: Partial<MachineRole>, limitBytes: number = userDataLimitBytes.digitalOcean): string {
    return renderCloudConfig(
        { hostname: "m", authorizedKeys: [], enrolHostKey: "key", role: { ...empty, ...role } },
        limitBytes,
    );
}

describe("cloud-config", () => {
    it("larger than the provider takes is refused, with the file to blame", () => {
        const files = [{ path: "/etc/huge", content: randomBytes(50_000).toString("hex"), mode: "0644" }];
        expect(() => render({ files })).toThrow(
            /user data of m has \d+ bytes, \d+ more .* \/etc\/huge \(100000 bytes\)/,
        );
    });

    it("is the same for the same role", () => {
        const files = [{ path: "/x", content: "long enough to be compressed ".repeat(40), mode: "0644" }];
        expect(render({ files })).toBe(render({ files }));
    });

    it("with one file written twice is refused", () => {
        const file = { path: "/etc/ssh/sshd_config.d/00-aerial.conf", content: "", mode: "0644" };
        expect(() => render({ files: [file] })).toThrow(
            "two parts of the role both write /etc/ssh/sshd_config.d/00-aerial.conf",
        );
    });

    it("is plain ASCII whatever a role writes, so that cloud-init keeps it as it is", () => {
        const text = render({ files: [{ path: "/x", content: "Ünïcödé ☂", mode: "0644" }] });

        expect(text).toMatch(/^[\u0000-\u007f]*$/);
    });
});
