/** A point on the globe, in degrees. */
export interface Place {
    latitude: number;
    longitude: number;
}

/** The nearest of these places; of several the first by the name of its region. */
export function nearestTo<P extends { region: string; place: Place }>(
    place: Place,
    places: readonly P[],
): P | undefined {
    return [...places].sort(
        (one, other) =>
            distanceKm(one.place, place) - distanceKm(other.place, place) ||
            one.region.localeCompare(other.region),
    )[0];
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
