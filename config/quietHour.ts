import { ConfigError } from "./errors";
import type { Station } from "./schema";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Environment variable that replaces droplets at any time, for one `pulumi up`. */
const overrideName = "AERIAL_QUIET_HOUR";

/**
 * What replacements of droplets wait for, as a person says it: `05:00 Europe/Berlin`. Undefined if they do not wait: in the
 * quiet hour, for a station without one, and with `AERIAL_QUIET_HOUR=no`.
 *
 * An hour that has come while `pulumi up` asked for confirmation counts, as does one that is over by then.
 *
 * @throws ConfigError for any other value of that variable.
 */
export function replacementsWaitFor(
    { rollout: { quietHour }, timeZone }: Pick<Station, "rollout" | "timeZone">,
    now: Date,
    override = process.env[overrideName] ?? "",
): string | undefined {
    if (override !== "" && override !== "no") {
        throw new ConfigError([
            {
                key: `the environment variable ${overrideName}`,
                value: JSON.stringify(override),
                remedy: "use no to replace droplets at any time, or leave it out",
            },
        ]);
    }
    if (quietHour === undefined || override === "no") {
        return undefined;
    }
    const { hasBegun, next } = quietHourAt(now, quietHour, timeZone);
    return hasBegun ? undefined : `${clockOf(next, timeZone)} ${timeZone}`;
}

/**
 * Whether it is the quiet hour, and when the next one begins.
 *
 * It lasts for one hour, whatever clocks are set to meanwhile. Where clocks go forward over its beginning, it begins as much
 * later (02:30 at 03:30). Where they go back, it begins when they show the time first.
 *
 * @param quietHour a time of day, `HH:MM`.
 * @param timeZone a name of the IANA database.
 */
export function quietHourAt(
    now: Date,
    quietHour: string,
    timeZone: string,
): { hasBegun: boolean; next: Date } {
    const [hours = 0, minutes = 0] = quietHour.split(":").map(Number);
    const wall = wallOf(now.getTime(), timeZone);
    const midnight = wall - (((wall % dayMs) + dayMs) % dayMs);
    const begins = [-1, 0, 1, 2].map((days) =>
        instantOf(midnight + days * dayMs + hours * hourMs + minutes * 60_000, timeZone),
    );
    const hasBegun = begins.some((begin) => begin <= now.getTime() && now.getTime() < begin + hourMs);
    return { hasBegun, next: new Date(Math.min(...begins.filter((begin) => begin > now.getTime()))) };
}

/** When clocks of the zone show this, at first; where they never do, when they would without having been put forward. */
function instantOf(wall: number, timeZone: string): number {
    // Clocks are set by less than a day, and not twice in two.
    const [before, after] = [wall - dayMs, wall + dayMs].map((near) => wallOf(near, timeZone) - near);
    const candidates = [wall - (before ?? 0), wall - (after ?? 0)].sort((one, other) => one - other);
    return candidates.find((at) => wallOf(at, timeZone) === wall) ?? wall - (before ?? 0);
}

/** What clocks of the zone show, to the second, as if they were UTC. */
function wallOf(instant: number, timeZone: string): number {
    const parts = Object.fromEntries(
        new Intl.DateTimeFormat("en", {
            ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
            ...{ year: "numeric", month: "numeric", day: "numeric" },
            ...{ hour: "numeric", minute: "numeric", second: "numeric" },
        })
            .formatToParts(instant)
            .map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** `05:00`. */
function clockOf(instant: Date, timeZone: string): string {
    return new Date(wallOf(instant.getTime(), timeZone)).toISOString().slice(11, 16);
}
