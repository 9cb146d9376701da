/*
 * What Amazon's cloud knows by itself. Sources: the EC2, Auto Scaling and Elastic Load Balancing documentation and the
 * services' own refusals, read 2026-09.
 */

export type Architecture = "x86_64" | "arm64";

/** Families of instance types that a station may use, by processor; sizes are those of the table below. */
const families: Readonly<Record<Architecture, readonly string[]>> = {
    x86_64: "t3 t3a c5 c5n c6a c6i c6in c7a c7i m5 m6a m6i m6in m7a m7i".split(" "),
    arm64: "t4g c6g c6gn c7g c7gn c8g m6g m7g m8g".split(" "),
};

const burstable = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];
const large = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"];

/** The processor of an instance type; undefined when there is no such type. */
export function architectureOf(instanceType: string): Architecture | undefined {
    const [family = "", size = "", rest] = instanceType.split(".");
    const architecture = (["x86_64", "arm64"] as const).find((one) => families[one].includes(family));
    const sizes = family.startsWith("t")
        ? burstable
        : architecture === "arm64" || family.endsWith("a")
          ? ["medium", ...large]
          : large;
    return rest === undefined && sizes.includes(size) ? architecture : undefined;
}

/** Debian 13's images, by id: the same in all regions, while Amazon has an id for each region. */
export const images: Readonly<Record<string, Architecture>> = {
    "ami-0deb1a13000000a64": "x86_64",
    "ami-0deb1a1300000aa64": "arm64",
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

/** How long a parameter of the standard tier may be. */
export const maxParameterBytes = 4096;
