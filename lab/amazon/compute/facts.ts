/*
 * What Amazon's cloud knows by itself. Sources: the EC2, Auto Scaling and Elastic Load Balancing documentation and the
 * services' own refusals, read 2026-09.
 */

export type Architecture = "x86_64" | "arm64";

/** Families of instance types that a station may use, by processor; sizes are those of the table below. */
const families: Readonly<Record<string, Architecture>> = {
    t3: "x86_64",
    t3a: "x86_64",
    t4g: "arm64",
    c5: "x86_64",
    c5n: "x86_64",
    c6a: "x86_64",
    c6i: "x86_64",
    c6in: "x86_64",
    c6g: "arm64",
    c6gn: "arm64",
    c7a: "x86_64",
    c7i: "x86_64",
    c7g: "arm64",
    c7gn: "arm64",
    c8g: "arm64",
    m5: "x86_64",
    m6a: "x86_64",
    m6i: "x86_64",
    m6in: "x86_64",
    m6g: "arm64",
    m7a: "x86_64",
    m7i: "x86_64",
    m7g: "arm64",
    m8g: "arm64",
};

const burstable = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];
const large = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"];

/** The processor of an instance type; undefined when there is no such type. */
export function architectureOf(instanceType: string): Architecture | undefined {
    const [family = "", size = "", rest] = instanceType.split(".");
    const architecture = families[family];
    const sizes = family.startsWith("t")
        ? burstable
        : architecture === "arm64" || family.endsWith("a")
          ? ["medium", ...large]
          : large;
    return rest === undefined && sizes.includes(size) ? architecture : undefined;
}

export interface ImageFacts {
    architecture: Architecture;
    name: string;
}

/** Debian 13's images, the same in all regions: there they have an id for each. */
export const images: Readonly<Record<string, ImageFacts>> = {
    "ami-0deb1a13000000a64": { architecture: "x86_64", name: "debian-13-amd64-20260914-2235" },
    "ami-0deb1a1300000aa64": { architecture: "arm64", name: "debian-13-arm64-20260914-2235" },
};

/** Parameters that Debian publishes, by name. */
export const publicParameters: Readonly<Record<string, string>> = {
    "/aws/service/debian/release/13/latest/amd64": "ami-0deb1a13000000a64",
    "/aws/service/debian/release/13/latest/arm64": "ami-0deb1a1300000aa64",
};

/** What an instance may be given as user data, in bytes before base64. */
export const maxUserDataBytes = 16_384;

/** Ends of zones' names; regions have three, a few more. */
export function zonesOf(region: string): string[] {
    const letters: Readonly<Record<string, string>> = {
        "ap-northeast-1": "acd",
        "ca-central-1": "abd",
        "us-east-1": "abcdef",
        "us-west-2": "abcd",
    };
    return [...(letters[region] ?? "abc")].map((letter) => region + letter);
}
