-- +goose Up
-- Who may open the console, who has, and the links by which the first one does.

create table console_user (
    name       text collate "C" not null primary key,
    role       text collate "C" not null, -- viewer, operator, admin
    password   text collate "C" not null, -- argon2id, encoded; '': none, no login by password
    created_at bigint not null,
    seen_at    bigint not null -- of the last login, 0: never
);

create table console_session (
    hash       text collate "C" not null primary key,
    data       bytea not null,
    expires_at bigint not null
);
create index console_session_end on console_session (expires_at);

create table console_link (
    hash       text collate "C" not null primary key,
    kind       text collate "C" not null, -- setup or enter
    expires_at bigint not null
);

-- What failed or is unknown stays on the console's list until somebody saw to it.
alter table queue add column handled smallint not null default 0;
create index queue_open on queue (app, state, id) where handled = 0 and (state = 'failed' or state = 'unknown');

