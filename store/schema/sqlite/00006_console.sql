-- +goose Up
-- Who may open the console, who has, and the links by which the first one does.

create table console_user (
    name       text not null primary key,
    role       text not null, -- viewer, operator, admin
    password   text not null, -- argon2id, encoded; '': none, no login by password
    created_at integer not null,
    seen_at    integer not null -- of the last login, 0: never
) without rowid;

create table console_session (
    hash       text not null primary key,
    data       blob not null,
    expires_at integer not null
) without rowid;
create index console_session_end on console_session (expires_at);

create table console_link (
    hash       text not null primary key,
    kind       text not null, -- setup or enter
    expires_at integer not null
) without rowid;

-- What failed or is unknown stays on the console's list until somebody saw to it.
alter table queue add column handled integer not null default 0;
create index queue_open on queue (app, state, id) where handled = 0 and (state = 'failed' or state = 'unknown');

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('queue', 'queue_open', '10000 10000 5000 1');
