/** A point on the globe, in degrees. */
export interface Place {
    latitude: number;
    longitude: number;
}

/** Great-circle distance in kilometres. */
export function distanceKm(from: Place, to: Place): number {
    const radians = (degrees: number): number => (degrees * Math.PI) / 180;
    const dLatitude = radians(to.latitude - from.latitude);
    const dLongitude = radians(to.longitude - from.longitude);
    const h =
        Math.sin(dLatitude / 2) ** 2 +
        Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(dLongitude / 2) ** 2;
    return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(h)));
}
