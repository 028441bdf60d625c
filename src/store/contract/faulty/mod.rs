//! A broken store fails the contract: stores with one fault each.

mod api_keys;
mod clients;
mod grants;
mod replays;
mod sign_ins;
mod upkeep;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::model::{AccessTokenRecord, ClientRecord};
use crate::store::MemoryStore;
use crate::types::{ClientId, GrantId, Timestamp, TokenHash};

use super::{PROMISES, Trial};
use replays::Use;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    InsertOverwrites,
    UpdateDoesNotCompare,
    UpdateComparesTheName,
    UpdateReadsThenWrites,
    UpdateInserts,
    UpdateKeepsTheOldTime,
    UpdateOfAHolderKeepsTheOldTime,
    UpdateForgetsTheGrants,
    RemoveIsAlwaysTrue,
    RemoveLeavesTheClient,
    RemoveEndsTheGrants,
    RemovedIdsStayTaken,
    RemovedClientsLoseTheirGrants,
    CountTakesPreregisteredOnes,
    CountIgnoresTheMost,
    CountNeverFalls,
    CountReadsThenWrites,
    UseIsAlwaysTheFirst,
    UseReadsThenWrites,
    UseLooksAtTheFirstByte,
    UseIgnoresTheEnd,
    UseEndsLate,
    UseEndsEarly,
    RefusedUseCounts,
    SweepForgetsUses,
    SweepForgetsUsesByTheirFirstEnd,
    BeginOverwrites,
    BeginReadsThenWrites,
    BeginStoresTheTokenOfTheLoser,
    BeginForgetsTheAccessToken,
    BeginForgetsTheRefreshToken,
    BeginIsNotListed,
    BeginDoesNotHoldItsClient,
    FindIgnoresExpiry,
    TakeLeavesTheRecord,
    TakeReadsThenRemoves,
    RedeemIsAlwaysDone,
    RedeemStoresOfTheLoser,
    RedeemNamesTheLoser,
    RotateDoesNotCompare,
    RotateReadsThenWrites,
    RevokeIsAlwaysTrue,
    ListForgetsTheOrder,
    ResealDoesNotCompare,
    ApiKeyLosesDetails,
    ApiKeysAllEnd,
    ApiKeyReadsThenWrites,
    ApiKeyOverwritesById,
    ApiKeyOverwritesByHash,
    ApiKeyListForgetsTheOrder,
    ApiKeyListCountsTheDead,
    RemoveLeavesTheApiKey,
    RemoveOfApiKeyIsAlwaysTrue,
    ResealOfApiKeyDoesNotCompare,
    SweepKeepsApiKeys,
    KeysAreOverwritten,
    LeaseIsForEverybody,
    SweepIgnoresItsLimit,
    SweepDeletesWhatLives,
}

#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
    notes: Mutex<Notes>,
    /// Held by who uses something up.
    using: tokio::sync::Mutex<()>,
}

/// What a store remembers for its fault.
#[derive(Debug, Default)]
struct Notes {
    overwritten: HashMap<ClientId, ClientRecord>,
    removed: HashSet<ClientId>,
    ever_inserted: usize,
    preregistered: usize,
    due: Vec<Due>,
    uses: HashMap<TokenHash, Use>,
    strays: HashMap<TokenHash, AccessTokenRecord>,
    unlisted: HashSet<GrantId>,
}

/// A client that a sweep forgets at the wrong time.
#[derive(Clone, Debug)]
struct Due {
    client: ClientId,
    at: Timestamp,
    despite_grants: bool,
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    fn told(&self, now: Timestamp) -> Timestamp {
        if self.has(Fault::FindIgnoresExpiry) {
            return Timestamp::default();
        }
        now
    }
}

/// The promises that a store with this fault breaks.
async fn broken_by(fault: Fault) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for promise in PROMISES {
        let store = Faulty {
            inner: MemoryStore::new(),
            fault,
            notes: Mutex::default(),
            using: tokio::sync::Mutex::default(),
        };
        let trial = Trial::new(Arc::new(store), |task| {
            tokio::spawn(task);
        });
        let held = tokio::spawn(async move { promise.check(&trial).await }).await;
        if held.is_err_and(|error| error.is_panic()) {
            broken.push(promise.name());
        }
    }
    broken
}

macro_rules! a_store_whose {
    ($($test:ident: $fault:ident breaks $($promise:ident)+;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            let broken = broken_by(Fault::$fault).await;
            for promise in [$(stringify!($promise)),+] {
                assert!(broken.contains(&promise), "{promise} holds; broken: {broken:?}");
            }
        })+
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_without_a_fault_breaks_no_promise() {
    assert_eq!(broken_by(Fault::None).await, [""; 0]);
}

a_store_whose! {
    insertion_overwrites_is_found_out: InsertOverwrites breaks
        inserting_a_client_never_overwrites_one
        of_concurrent_insertions_of_a_client_one_is_done;
    update_does_not_compare_is_found_out: UpdateDoesNotCompare breaks
        a_client_is_updated_only_as_it_was_read
        of_concurrent_updates_of_a_client_one_is_done;
    update_compares_a_part_is_found_out: UpdateComparesTheName breaks
        a_client_is_updated_only_as_it_was_read;
    update_is_two_steps_is_found_out: UpdateReadsThenWrites breaks
        of_concurrent_updates_of_a_client_one_is_done;
    update_inserts_is_found_out: UpdateInserts breaks
        updating_an_absent_client_stores_nothing;
    update_keeps_the_old_time_is_found_out: UpdateKeepsTheOldTime breaks
        a_sweep_forgets_an_updated_client_at_its_new_time
        a_client_updated_while_it_holds_a_grant_is_kept_for_it;
    update_of_a_holder_keeps_the_old_time_is_found_out: UpdateOfAHolderKeepsTheOldTime breaks
        a_client_updated_while_it_holds_a_grant_is_kept_for_it;
    update_forgets_the_grants_is_found_out: UpdateForgetsTheGrants breaks
        a_client_updated_while_it_holds_a_grant_is_kept_for_it;
    removal_is_always_first_is_found_out: RemoveIsAlwaysTrue breaks
        a_client_is_removed_once
        of_concurrent_removals_one_forgets_the_client;
    removal_leaves_the_client_is_found_out: RemoveLeavesTheClient breaks
        a_client_is_removed_once
        updating_an_absent_client_stores_nothing
        forgotten_clients_are_not_counted;
    removal_ends_the_grants_is_found_out: RemoveEndsTheGrants breaks
        a_removed_client_leaves_its_grants
        a_removed_client_can_be_inserted_again;
    removed_ids_stay_taken_is_found_out: RemovedIdsStayTaken breaks
        a_removed_client_can_be_inserted_again;
    removed_clients_lose_their_grants_is_found_out: RemovedClientsLoseTheirGrants breaks
        a_removed_client_can_be_inserted_again;
    count_takes_all_is_found_out: CountTakesPreregisteredOnes breaks
        clients_that_registered_themselves_are_counted;
    count_ignores_the_most_is_found_out: CountIgnoresTheMost breaks
        counting_clients_ends_at_the_most;
    count_never_falls_is_found_out: CountNeverFalls breaks
        forgotten_clients_are_not_counted;
    count_is_two_steps_is_found_out: CountReadsThenWrites breaks
        concurrent_registrations_are_all_counted;
    use_is_always_the_first_is_found_out: UseIsAlwaysTheFirst breaks
        an_identifier_is_used_once
        of_concurrent_uses_one_is_the_first;
    use_is_two_steps_is_found_out: UseReadsThenWrites breaks
        of_concurrent_uses_one_is_the_first;
    use_looks_at_a_part_is_found_out: UseLooksAtTheFirstByte breaks
        identifiers_are_told_apart;
    use_never_ends_is_found_out: UseIgnoresTheEnd breaks
        a_used_identifier_is_as_new_once_its_time_has_come;
    use_ends_late_is_found_out: UseEndsLate breaks
        a_used_identifier_is_as_new_once_its_time_has_come;
    use_ends_early_is_found_out: UseEndsEarly breaks
        an_identifier_is_used_once;
    refused_use_counts_is_found_out: RefusedUseCounts breaks
        an_identifier_is_used_once
        a_used_identifier_is_as_new_once_its_time_has_come;
    sweep_forgets_uses_is_found_out: SweepForgetsUses breaks
        a_sweep_keeps_uses_that_count;
    sweep_forgets_uses_by_their_first_end_is_found_out: SweepForgetsUsesByTheirFirstEnd breaks
        a_sweep_keeps_uses_that_count;
    begin_overwrites_is_found_out: BeginOverwrites breaks
        inserting_a_grant_never_overwrites_one
        of_concurrent_insertions_of_a_grant_one_is_done;
    begin_is_two_steps_is_found_out: BeginReadsThenWrites breaks
        of_concurrent_insertions_of_a_grant_one_is_done;
    begin_stores_what_lost_is_found_out: BeginStoresTheTokenOfTheLoser breaks
        inserting_a_grant_never_overwrites_one
        of_concurrent_insertions_of_a_grant_one_is_done;
    begin_forgets_the_access_token_is_found_out: BeginForgetsTheAccessToken breaks
        an_inserted_grant_is_stored_with_all_it_issued
        a_grant_may_be_inserted_without_tokens;
    begin_forgets_the_refresh_token_is_found_out: BeginForgetsTheRefreshToken breaks
        an_inserted_grant_is_stored_with_all_it_issued
        a_grant_may_be_inserted_without_tokens;
    begin_is_not_listed_is_found_out: BeginIsNotListed breaks
        an_inserted_grant_is_listed_rotated_and_revoked;
    begin_does_not_hold_its_client_is_found_out: BeginDoesNotHoldItsClient breaks
        an_inserted_grant_holds_its_client;
    finds_ignore_the_time_is_found_out: FindIgnoresExpiry breaks
        an_expired_pending_request_is_absent
        an_expired_code_is_absent
        an_expired_grant_is_absent_with_its_tokens
        an_inserted_grant_expires
        a_list_of_grants_has_only_live_ones
        an_expired_access_token_is_absent
        an_expired_api_key_is_absent
        a_list_of_api_keys_has_only_live_ones
        an_expired_refresh_token_is_absent;
    take_leaves_the_record_is_found_out: TakeLeavesTheRecord breaks
        a_pending_request_is_taken_once
        of_concurrent_takes_one_gets_the_pending_request;
    take_is_two_steps_is_found_out: TakeReadsThenRemoves breaks
        of_concurrent_takes_one_gets_the_pending_request;
    redemption_always_succeeds_is_found_out: RedeemIsAlwaysDone breaks
        a_code_is_redeemed_once
        of_concurrent_redemptions_one_is_done;
    redemption_stores_what_lost_is_found_out: RedeemStoresOfTheLoser breaks
        a_code_is_redeemed_once
        of_concurrent_redemptions_one_is_done;
    redemption_names_the_wrong_grant_is_found_out: RedeemNamesTheLoser breaks
        a_code_is_redeemed_once
        of_concurrent_redemptions_one_is_done;
    rotation_does_not_compare_is_found_out: RotateDoesNotCompare breaks
        a_token_that_is_not_valid_is_not_rotated
        of_concurrent_rotations_one_is_done;
    rotation_is_two_steps_is_found_out: RotateReadsThenWrites breaks
        of_concurrent_rotations_one_is_done;
    revocation_is_always_first_is_found_out: RevokeIsAlwaysTrue breaks
        a_grant_is_revoked_once
        of_concurrent_revocations_one_ends_the_grant
        revoking_an_unknown_grant_ends_nothing
        an_inserted_grant_is_listed_rotated_and_revoked;
    list_forgets_the_order_is_found_out: ListForgetsTheOrder breaks
        a_list_of_grants_comes_in_pages;
    reseal_does_not_compare_is_found_out: ResealDoesNotCompare breaks
        a_grant_is_resealed_only_as_it_was_read;
    api_key_loses_details_is_found_out: ApiKeyLosesDetails breaks
        an_api_key_is_found_exactly_as_it_was_stored;
    api_keys_all_end_is_found_out: ApiKeysAllEnd breaks
        an_api_key_without_an_end_stays;
    api_key_is_stored_in_two_steps_is_found_out: ApiKeyReadsThenWrites breaks
        of_concurrent_insertions_of_an_api_key_one_is_done;
    api_key_of_the_same_name_is_overwritten_is_found_out: ApiKeyOverwritesById breaks
        inserting_an_api_key_never_overwrites_one
        of_concurrent_insertions_of_an_api_key_one_is_done;
    api_key_of_the_same_hash_is_overwritten_is_found_out: ApiKeyOverwritesByHash breaks
        inserting_an_api_key_never_overwrites_one;
    list_of_api_keys_forgets_the_order_is_found_out: ApiKeyListForgetsTheOrder breaks
        a_list_of_api_keys_comes_in_pages;
    list_of_api_keys_counts_the_dead_is_found_out: ApiKeyListCountsTheDead breaks
        a_list_of_api_keys_has_only_live_ones;
    removal_leaves_the_api_key_is_found_out: RemoveLeavesTheApiKey breaks
        a_removed_api_key_is_absent
        an_api_key_is_removed_once;
    removal_of_an_api_key_is_always_first_is_found_out: RemoveOfApiKeyIsAlwaysTrue breaks
        an_api_key_is_removed_once
        of_concurrent_removals_one_removes_the_api_key;
    reseal_of_an_api_key_does_not_compare_is_found_out: ResealOfApiKeyDoesNotCompare breaks
        an_api_key_is_resealed_only_as_it_was_read;
    sweep_keeps_api_keys_is_found_out: SweepKeepsApiKeys breaks
        a_sweep_forgets_api_keys_that_have_ended;
    signing_keys_are_overwritten_is_found_out: KeysAreOverwritten breaks
        of_concurrent_signing_keys_one_is_kept;
    lease_is_for_everybody_is_found_out: LeaseIsForEverybody breaks
        a_lease_has_one_holder_until_it_ends
        of_concurrent_holders_one_gets_the_lease;
    sweep_ignores_its_limit_is_found_out: SweepIgnoresItsLimit breaks
        a_sweep_keeps_to_its_limit;
    sweep_deletes_what_lives_is_found_out: SweepDeletesWhatLives breaks
        a_sweep_deletes_only_what_has_expired
        a_sweep_forgets_api_keys_that_have_ended
        a_sweep_forgets_clients_that_nobody_used
        a_sweep_forgets_an_updated_client_at_its_new_time
        an_inserted_grant_holds_its_client
        a_sweep_keeps_clients_that_hold_a_grant;
}
