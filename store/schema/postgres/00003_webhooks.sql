-- +goose Up
-- Webhooks, and the notices on their way to them.

create table webhook (
    id            text collate "C" not null primary key,
    app           text collate "C" not null, -- '': every app
    url           bytea not null, -- sealed
    topics        text collate "C" not null, -- with blanks between them; '': all
    secret        bytea not null, -- sealed
    old_secret    bytea,          -- sealed
    old_until     bigint not null,
    off           text collate "C" not null, -- why it is off; '': on
    off_at        bigint not null,
    failing_since bigint not null, -- 0: not failing
    hold          bigint not null, -- asked for by Retry-After
    created_at    bigint not null,
    updated_at    bigint not null
);

-- One event on its way to one webhook. All times are real. Of one subject (a
-- message, a user, a part of an app) one goes after the other, by turn. While
-- an attempt is under way, owner names it, and due is when it is given up.
create table notice (
    webhook    text collate "C" not null,
    id         text collate "C" not null,
    app        text collate "C" not null,
    openid     text collate "C" not null, -- '': of no user
    topic      text collate "C" not null,
    subject    text collate "C" not null,
    turn       bigint not null,
    data       text collate "C" not null, -- JSON
    state      text collate "C" not null,
    due        bigint not null,
    owner      text collate "C" not null,
    tries      bigint not null,
    tried_at   bigint not null, -- 0: never
    took       bigint not null, -- ms
    status     bigint not null,
    fault      text collate "C" not null,
    detail     text collate "C" not null,
    answer     text collate "C" not null,
    created_at bigint not null,
    primary key (webhook, id)
) with (fillfactor = 80);
create index notice_due on notice (webhook, due, id) where state = 'pending';
create index notice_turn on notice (webhook, subject, turn) where state = 'pending';
create index notice_failed on notice (webhook, id) where state = 'failed';
create index notice_user on notice (openid, app) where openid <> '';
