-- +goose Up
-- Webhooks, and the notices on their way to them.

create table webhook (
    id            text not null primary key,
    app           text not null, -- '': every app
    url           blob not null, -- sealed
    topics        text not null, -- with blanks between them; '': all
    secret        blob not null, -- sealed
    old_secret    blob,          -- sealed
    old_until     integer not null,
    off           text not null, -- why it is off; '': on
    off_at        integer not null,
    failing_since integer not null, -- 0: not failing
    hold          integer not null, -- asked for by Retry-After
    created_at    integer not null,
    updated_at    integer not null
) without rowid;

-- One event on its way to one webhook. All times are real. Of one subject (a
-- message, a user, a part of an app) one goes after the other, by turn. While
-- an attempt is under way, owner names it, and due is when it is given up.
create table notice (
    webhook    text not null,
    id         text not null,
    app        text not null,
    openid     text not null, -- '': of no user
    topic      text not null,
    subject    text not null,
    turn       integer not null,
    data       text not null, -- JSON
    state      text not null,
    due        integer not null,
    owner      text not null,
    tries      integer not null,
    tried_at   integer not null, -- 0: never
    took       integer not null, -- ms
    status     integer not null,
    fault      text not null,
    detail     text not null,
    answer     text not null,
    created_at integer not null,
    primary key (webhook, id)
) without rowid;
create index notice_due on notice (webhook, due, id) where state = 'pending';
create index notice_turn on notice (webhook, subject, turn) where state = 'pending';
create index notice_failed on notice (webhook, id) where state = 'failed';
create index notice_user on notice (openid, app) where openid <> '';

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('notice', 'notice', '1000000 1000000 1'),
    ('notice', 'notice_due', '100000 100000 2 1'),
    ('notice', 'notice_turn', '100000 100000 2 1'),
    ('notice', 'notice_failed', '1000 1000 1'),
    ('notice', 'notice_user', '1000000 10 10');
