-- +goose Up
-- Names and columns are the same as in ../postgres; a test compares them.
-- Times are Unix milliseconds; 253402300799000 is "no deadline".

create table keyring (
    id         text not null primary key,
    purpose    text not null, -- seal or hash
    wrapped    blob not null, -- the key, sealed with the master key
    created_at integer not null
) without rowid;

create table node (
    name       text not null primary key,
    boot       text not null,
    started_at integer not null
) without rowid;

create table app (
    app            text not null primary key,
    name           text not null,
    secret         blob,
    callback_token blob,
    callback_key   blob,
    callback_mode  text not null,
    sandbox        integer not null,
    mp_payments    integer not null,
    rate           integer not null,
    max_in_flight  integer not null,
    daily_quota    integer not null,
    token_mode     text not null,
    created_at     integer not null,
    updated_at     integer not null
) without rowid;

create table app_key (
    id         text not null primary key,
    hash       text not null unique,
    name       text not null,
    scopes     text not null,
    app        text not null, -- '': every app
    rate       integer not null,
    expires_at integer not null,
    created_at integer not null,
    last_used  integer not null, -- 0: never
    revoked_at integer not null  -- 0: not
) without rowid;

create table session (
    hash        text not null primary key,
    app         text not null,
    openid      text not null,
    session_key blob,
    expires_at  integer not null
) without rowid;
create index session_end on session (expires_at);

create table login_code (
    app   text not null,
    hash  text not null,
    until integer not null,
    primary key (app, hash)
) without rowid;
create index login_code_end on login_code (until);

create table token (
    app         text not null primary key,
    value       blob, -- null: none, or dropped
    expires_at  integer not null,
    gen         integer not null,
    renewed_by  text not null,
    renewed_at  integer not null,
    dead        blob, -- SHA-256 of the value that was dropped last
    lease_until integer not null
) without rowid;

create table template (
    app       text not null,
    id        text not null,
    alias     text not null,
    channel   text not null,
    kind      text not null,
    title     text not null,
    keywords  text not null, -- JSON
    synced_at integer not null, -- 0: put here by hand
    gone      integer not null,
    primary key (app, id)
) without rowid;

create table pause (
    app    text not null,
    scope  text not null,
    reason text not null,
    detail text not null,
    since  integer not null,
    until  integer not null,
    probe  integer not null, -- 0: none
    primary key (app, scope)
) without rowid;

-- What a user said last about a template, to explain later why there is no permit.
create table word (
    app         text not null,
    openid      text not null,
    template_id text not null,
    said        text not null,
    said_at     integer not null,
    primary key (app, openid, template_id)
) without rowid;

-- One row per use. state stands in no index, so that binding and spending
-- rewrite the row alone. till is expires_at while the permit can still be
-- used, and 0 afterwards: a user's spent permits do not stand in the way.
create table permit (
    app         text not null,
    id          text not null,
    openid      text not null,
    source      text not null,
    template_id text not null, -- subscriptions only
    code        blob,          -- sealed
    code_hash   text,          -- of the code or of the caller's own id
    use_no      integer not null,
    state       text not null,
    cause       text not null,
    message     text not null, -- '': none
    given_at    integer not null,
    expires_at  integer not null,
    till        integer not null,
    primary key (app, id)
) without rowid;
-- The person first: an index that begins with app would tempt the planner to
-- walk all of the app where it only has to find one id.
create index permit_user on permit (openid, app, till, id);
create unique index permit_code on permit (app, code_hash, use_no) where code_hash is not null;

-- The immutable half of a message.
create table message (
    app         text not null,
    id          text not null,
    openid      text not null,
    template_id text not null,
    channel     text not null,
    body        blob,          -- sealed; null after retention
    meta        text not null, -- JSON, '' without any
    on_unsure   text not null,
    wait        integer not null,
    fixed       integer not null,
    send_at     integer not null,
    expires_at  integer not null,
    created_at  integer not null,
    key_hash    text not null, -- of the Idempotency-Key, '' without one
    primary key (app, id)
);
create index message_user on message (openid, app, id);

create table message_meta (
    app   text not null,
    name  text not null,
    value text not null,
    id    text not null,
    primary key (app, name, value, id)
) without rowid;

-- The half that moves. In state sending it is also the record of the attempt
-- in flight: number, permit, started_at, owner.
create table queue (
    app        text not null,
    id         text not null,
    openid     text not null,
    state      text not null,
    due        integer not null,
    permit     text not null,
    number     integer not null, -- of the last attempt
    started_at integer not null,
    owner      text not null, -- node/boot/claim that holds the lease
    tries      integer not null,
    lost       integer not null, -- 1: an attempt has no answer
    mode       text not null, -- of state unsure: hold, other
    reason     text not null,
    evidence   text not null,
    msgid      text not null,
    parked     text not null, -- the pause it waits for
    updated_at integer not null,
    primary key (app, id)
) without rowid;
create index queue_due on queue (app, state, due, id)
    where state = 'scheduled' or state = 'waiting' or state = 'queued' or state = 'sending' or state = 'unsure';
create index queue_rest on queue (app, state, id)
    where state = 'failed' or state = 'expired' or state = 'canceled' or state = 'unknown';
create index queue_waiting on queue (openid, app, id) where state = 'waiting';
create index queue_parked on queue (app, parked, id) where parked <> '';

-- Written when the attempt is over; before that the queue's row is its record.
create table attempt (
    app         text not null,
    message     text not null,
    number      integer not null,
    permit      text not null,
    node        text not null,
    started_at  integer not null,
    finished_at integer not null,
    outcome     text not null,
    errcode     integer, -- null: WeChat did not say
    errmsg      text not null,
    rid         text not null,
    msgid       text not null,
    primary key (app, message, number)
) without rowid;

create table idem (
    app         text not null,
    key_hash    text not null,
    fingerprint blob not null,
    message     text not null,
    created_at  integer not null,
    primary key (app, key_hash)
) without rowid;

-- What the planner would learn from a large database, said beforehand: an app
-- alone narrows nothing down. Without it, a small database with one app is
-- searched by app, and stays so when it grows.
analyze;
delete from sqlite_stat1;
insert into sqlite_stat1 (tbl, idx, stat) values
    ('permit', 'permit', '1000000 1000000 1'),
    ('permit', 'permit_user', '1000000 5 5 2 1'),
    ('permit', 'permit_code', '1000000 1000000 2 1'),
    ('message', 'sqlite_autoindex_message_1', '1000000 1000000 1'),
    ('message', 'message_user', '1000000 10 10 1'),
    ('queue', 'queue', '1000000 1000000 1'),
    ('queue', 'queue_due', '100000 100000 20000 2 1'),
    ('queue', 'queue_rest', '100000 100000 20000 1'),
    ('queue', 'queue_waiting', '10000 2 2 1'),
    ('queue', 'queue_parked', '10000 10000 5000 1'),
    ('attempt', 'attempt', '1000000 1000000 2 1'),
    ('idem', 'idem', '1000000 1000000 1');
