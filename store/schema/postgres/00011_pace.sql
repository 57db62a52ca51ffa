-- +goose Up
-- When the next call of an app with a rate may start. Whoever claims takes the
-- following starts for what it claims, so all nodes together keep the rate.

create table pace (
    app      text not null primary key,
    start_us bigint not null -- real, in microseconds
) with (fillfactor = 50); -- it is rewritten by every claim
