-- What the playout knows of its shows and has played, in LibreTime's tables as far as a playlist needs them: whoever
-- moves to LibreTime, or looks after both, finds the same names.
set client_min_messages = warning;

create table if not exists cc_files (
    id serial primary key,
    name varchar(255) not null,
    mime varchar(255) not null default '',
    ftype varchar(128) not null default 'audioclip',
    -- From the library's root: it starts with the channel.
    filepath text not null,
    filesize bigint not null default 0,
    md5 char(32),
    track_title text,
    artist_name text,
    album_title text,
    genre text,
    bit_rate integer,
    sample_rate integer,
    length interval not null default '0',
    -- When the file was last changed, added here, and last played.
    mtime timestamptz,
    utime timestamptz not null default now(),
    lptime timestamptz,
    -- 0 for imported, 2 for a file that is no audio.
    import_status integer not null default 0,
    file_exists boolean not null default true,
    hidden boolean not null default false
);
create unique index if not exists cc_files_filepath on cc_files (filepath);

create table if not exists cc_show (
    id serial primary key,
    name varchar(255) not null,
    description text not null default ''
);
create unique index if not exists cc_show_name on cc_show (name, description);

create table if not exists cc_show_instances (
    id serial primary key,
    show_id integer not null references cc_show on delete cascade,
    starts timestamptz not null,
    ends timestamptz not null,
    description text not null default '',
    file_id integer references cc_files on delete set null,
    created timestamptz not null default now()
);
create unique index if not exists cc_show_instances_starts on cc_show_instances (show_id, starts);

create table if not exists cc_playout_history (
    id serial primary key,
    file_id integer references cc_files on delete set null,
    starts timestamptz not null,
    ends timestamptz,
    instance_id integer references cc_show_instances on delete set null
);
create unique index if not exists cc_playout_history_starts on cc_playout_history (file_id, starts);
