import * as fc from "fast-check";

import {
    clientAddress,
    inRange,
    internet,
    machineAddress,
    macOf,
    parseRange,
    regionOf,
    regionRange,
    regions,
    reservedAddress,
    reservedRange,
    sites,
} from "../../lab/network/addresses";

const region = fc.constantFrom(...regions);
const number = fc.integer({ min: 0, max: 2999 });

describe("addresses of the lab", () => {
    it("gives each region a range of its own, in the order of the table", () => {
        expect(regions.map(regionRange)).toEqual(regions.map((_, n) => `198.18.${16 * n}.0/20`));
        expect(regionRange("ams3")).toBe("198.18.0.0/20");
        expect(clientAddress("ams3")).toBe("198.18.15.250");
        expect(machineAddress("ams3", 0)).toBe("198.18.0.10");
        expect(reservedAddress(0)).toBe("198.19.0.1");
    });

    it("keeps machines inside their region, and apart from its listener", () => {
        fc.assert(
            fc.property(region, number, (slug, n) => {
                const address = machineAddress(slug, n);
                expect(inRange(address, regionRange(slug))).toBe(true);
                expect(inRange(address, internet)).toBe(true);
                expect(regionOf(address)).toBe(slug);
                expect(address).not.toBe(clientAddress(slug));
            }),
        );
    });

    it("never gives two machines the same address or link-layer address", () => {
        const all = regions.flatMap((slug) => [0, 1, 245, 246, 2999].map((n) => machineAddress(slug, n)));
        const outside = [...Object.values(sites), ...regions.map(clientAddress), reservedAddress(0), ...all];
        expect(new Set(outside).size).toBe(outside.length);
        expect(new Set(outside.map(macOf)).size).toBe(outside.length);
        expect(macOf("198.18.0.10")).toBe("02:00:c6:12:00:0a");
    });

    it("keeps reserved and outside addresses out of all regions", () => {
        for (const address of [reservedAddress(0), reservedAddress(253), ...Object.values(sites)]) {
            expect(regionOf(address)).toBeUndefined();
        }
        expect(inRange(reservedAddress(253), reservedRange)).toBe(true);
    });

    it("refuses what is no region, number, address or range", () => {
        expect(() => regionRange("mars1")).toThrow('there is no region "mars1"; there are ams3, ');
        expect(() => machineAddress("ams3", 3000)).toThrow("no address for machine number 3000");
        expect(() => machineAddress("ams3", -1)).toThrow();
        expect(() => reservedAddress(254)).toThrow();
        for (const range of [
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/8/8",
            "10.0.0.256/8",
            "010.0.0.0/8",
            "::/0",
            "",
        ]) {
            expect(() => parseRange(range)).toThrow();
        }
    });
});
