-- +goose Up
-- Names and columns are the same as in ../sqlite; a test compares them.
-- Times are Unix milliseconds; 253402300799000 is "no deadline".

create table keyring (
    id         text collate "C" not null primary key,
    purpose    text collate "C" not null, -- seal or hash
    wrapped    bytea not null, -- the key, sealed with the master key
    created_at bigint not null
);

create table node (
    name       text collate "C" not null primary key,
    boot       text collate "C" not null,
    started_at bigint not null
);

create table app (
    app            text collate "C" not null primary key,
    name           text collate "C" not null,
    secret         bytea,
    callback_token bytea,
    callback_key   bytea,
    callback_mode  text collate "C" not null,
    sandbox        smallint not null,
    mp_payments    smallint not null,
    rate           bigint not null,
    max_in_flight  bigint not null,
    daily_quota    bigint not null,
    token_mode     text collate "C" not null,
    created_at     bigint not null,
    updated_at     bigint not null
);

create table app_key (
    id         text collate "C" not null primary key,
    hash       text collate "C" not null unique,
    name       text collate "C" not null,
    scopes     text collate "C" not null,
    app        text collate "C" not null, -- '': every app
    rate       bigint not null,
    expires_at bigint not null,
    created_at bigint not null,
    last_used  bigint not null, -- 0: never
    revoked_at bigint not null  -- 0: not
);

create table session (
    hash        text collate "C" not null primary key,
    app         text collate "C" not null,
    openid      text collate "C" not null,
    session_key bytea,
    expires_at  bigint not null
);
create index session_end on session (expires_at);

create table login_code (
    app   text collate "C" not null,
    hash  text collate "C" not null,
    until bigint not null,
    primary key (app, hash)
);
create index login_code_end on login_code (until);

create table token (
    app         text collate "C" not null primary key,
    value       bytea, -- null: none, or dropped
    expires_at  bigint not null,
    gen         bigint not null,
    renewed_by  text collate "C" not null,
    renewed_at  bigint not null,
    dead        bytea, -- SHA-256 of the value that was dropped last
    lease_until bigint not null
);

create table template (
    app       text collate "C" not null,
    id        text collate "C" not null,
    alias     text collate "C" not null,
    channel   text collate "C" not null,
    kind      text collate "C" not null,
    title     text collate "C" not null,
    keywords  text collate "C" not null, -- JSON
    synced_at bigint not null, -- 0: put here by hand
    gone      smallint not null,
    primary key (app, id)
);

create table pause (
    app    text collate "C" not null,
    scope  text collate "C" not null,
    reason text collate "C" not null,
    detail text collate "C" not null,
    since  bigint not null,
    until  bigint not null,
    probe  bigint not null, -- 0: none
    primary key (app, scope)
);

-- What a user said last about a template, to explain later why there is no permit.
create table word (
    app         text collate "C" not null,
    openid      text collate "C" not null,
    template_id text collate "C" not null,
    said        text collate "C" not null,
    said_at     bigint not null,
    primary key (app, openid, template_id)
);

-- One row per use. state stands in no index, so that binding and spending
-- rewrite the row alone. till is expires_at while the permit can still be
-- used, and 0 afterwards: a user's spent permits do not stand in the way.
create table permit (
    app         text collate "C" not null,
    id          text collate "C" not null,
    openid      text collate "C" not null,
    source      text collate "C" not null,
    template_id text collate "C" not null, -- subscriptions only
    code        bytea,          -- sealed
    code_hash   text collate "C",          -- of the code or of the caller's own id
    use_no      bigint not null,
    state       text collate "C" not null,
    cause       text collate "C" not null,
    message     text collate "C" not null, -- '': none
    given_at    bigint not null,
    expires_at  bigint not null,
    till        bigint not null,
    primary key (app, id)
) with (fillfactor = 80);
-- The person first: an index that begins with app would tempt the planner to
-- walk all of the app where it only has to find one id.
create index permit_user on permit (openid, app, till, id);
create unique index permit_code on permit (app, code_hash, use_no) where code_hash is not null;

-- The immutable half of a message.
create table message (
    app         text collate "C" not null,
    id          text collate "C" not null,
    openid      text collate "C" not null,
    template_id text collate "C" not null,
    channel     text collate "C" not null,
    body        bytea,          -- sealed; null after retention
    meta        text collate "C" not null, -- JSON, '' without any
    on_unsure   text collate "C" not null,
    wait        smallint not null,
    fixed       smallint not null,
    send_at     bigint not null,
    expires_at  bigint not null,
    created_at  bigint not null,
    key_hash    text collate "C" not null, -- of the Idempotency-Key, '' without one
    primary key (app, id)
);
create index message_user on message (openid, app, id);

create table message_meta (
    app   text collate "C" not null,
    name  text collate "C" not null,
    value text collate "C" not null,
    id    text collate "C" not null,
    primary key (app, name, value, id)
);

-- The half that moves. In state sending it is also the record of the attempt
-- in flight: number, permit, started_at, owner.
create table queue (
    app        text collate "C" not null,
    id         text collate "C" not null,
    openid     text collate "C" not null,
    state      text collate "C" not null,
    due        bigint not null,
    permit     text collate "C" not null,
    number     bigint not null, -- of the last attempt
    started_at bigint not null,
    owner      text collate "C" not null, -- node/boot/claim that holds the lease
    tries      bigint not null,
    lost       bigint not null, -- 1: an attempt has no answer
    mode       text collate "C" not null, -- of state unsure: hold, other
    reason     text collate "C" not null,
    evidence   text collate "C" not null,
    msgid      text collate "C" not null,
    parked     text collate "C" not null, -- the pause it waits for
    updated_at bigint not null,
    primary key (app, id)
) with (fillfactor = 70);
create index queue_due on queue (app, state, due, id)
    where state = 'scheduled' or state = 'waiting' or state = 'queued' or state = 'sending' or state = 'unsure';
create index queue_rest on queue (app, state, id)
    where state = 'failed' or state = 'expired' or state = 'canceled' or state = 'unknown';
create index queue_waiting on queue (openid, app, id) where state = 'waiting';
create index queue_parked on queue (app, parked, id) where parked <> '';

-- Written when the attempt is over; before that the queue's row is its record.
create table attempt (
    app         text collate "C" not null,
    message     text collate "C" not null,
    number      bigint not null,
    permit      text collate "C" not null,
    node        text collate "C" not null,
    started_at  bigint not null,
    finished_at bigint not null,
    outcome     text collate "C" not null,
    errcode     bigint, -- null: WeChat did not say
    errmsg      text collate "C" not null,
    rid         text collate "C" not null,
    msgid       text collate "C" not null,
    primary key (app, message, number)
);

create table idem (
    app         text collate "C" not null,
    key_hash    text collate "C" not null,
    fingerprint bytea not null,
    message     text collate "C" not null,
    created_at  bigint not null,
    primary key (app, key_hash)
);
