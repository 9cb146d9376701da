/** `playlist` plays folders by a weekly schedule; `libretime` is LibreTime 4.5, with its web interface. */
export const airtimeSoftware = ["playlist", "libretime"] as const;

export type AirtimeSoftware = (typeof airtimeSoftware)[number];

/** LibreTime's limit of Icecast outputs. */
export const libretimeOutputs = 3;
