(* HeapLaws.v - what holds of the sequential-fit heap of Heap.v, for every heap, request and policy.

   A policy is any function that picks a fitting block whenever there is one; first, next and best fit are shown to be
   such. The laws carry the ids of docs/semantics.md. `ok h` is free_list.I1 and I2; it is kept by every operation. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Heap.
Import ListNotations.
Open Scope Z_scope.

Definition policy := Z -> Z -> heap -> option Z.   (* need, align, heap -> where the chosen block begins *)

Section Laws.
Variable least : Z.
Hypothesis least_1 : 1 <= least.
Hypothesis least_3 : least <= 3.
Notation ok := (ok least).
Notation fits := (fits least).
Notation take := (take least).

Definition sound (f : policy) : Prop := forall need align h s,
  f need align h = Some s -> exists b, In b h /\ at_ b = s /\ fits need align b = true.
Definition complete (f : policy) : Prop := forall need align h b,
  In b h -> fits need align b = true -> f need align h <> None.
Definition allocate (f : policy) (h : heap) (need align : Z) : option (Z * Z * heap) :=
  match f need align h with Some s => take h s need align | None => None end.
(* `need` granules can be cut out at p: aligned, all free, and in front of p begins a live block or lies a free one. *)
Definition placeable (h : heap) (need align p : Z) : Prop :=
  p mod align = 0 /\ free_run h p need /\ (~ free_at h (p - 1) \/ free_run h (p - least) least).

Lemma in_split_mid (u v w : heap) (c : blk) : In c (u ++ w ++ v) <-> In c (u ++ v) \/ In c w.
Proof. rewrite !in_app_iff. tauto. Qed.

Section Take.
Variables (h h' : heap) (s need align p n : Z).
Hypothesis H_ok : ok h.
Hypothesis align_1 : 1 <= align.
Hypothesis need_least : least <= need.
Hypothesis H : take h s need align = Some (p, n, h').

Theorem take_ok : ok h'.
Proof.
  destruct (take_split _ _ _ _ _ _ _ _ H) as (u & b & v & -> & _ & F & _ & -> & _). destruct H_ok as [O A]. split.
  - apply cut_ordered; auto.
  - apply cut_apart; auto.
Qed.
(* C1: aligned, as long as needed and less than the least block more, of free granules only. *)
Theorem take_exclusive : p mod align = 0 /\ need <= n < need + least /\ free_run h p n.
Proof.
  destruct (take_split _ _ _ _ _ _ _ _ H) as (u & b & v & -> & _ & F & P & _ & _).
  pose proof (cut_size least least_1 need align b F need_least) as S. pose proof (cut_inside least need align b align_1 need_least F) as I.
  pose proof (fits_bound _ _ _ _ F) as [L _].
  assert (E : fst (fst (cut least need align b)) = at_ b + gap least align (at_ b)) by reflexivity.
  rewrite <- P in *. simpl in *. subst p. split; [|split; [exact S|]].
  - apply gap_spec; auto.
  - intros x X. exists b. rewrite in_app_iff. simpl. unfold contains. intuition lia.
Qed.
(* C2, C1: every live block stays just as it was, and the grant is the only new one. *)
Theorem take_frame : forall c, (In c h' /\ live c = true) <-> (In c h /\ live c = true) \/ c = Blk p n true.
Proof.
  destruct (take_split _ _ _ _ _ _ _ _ H) as (u & b & v & -> & _ & F & P & -> & _).
  pose proof (fits_bound _ _ _ _ F) as [L _]. intros c. rewrite in_split_mid, !in_app_iff. simpl.
  pose proof (cut_members least need align b c L) as M. pose proof (cut_grants least need align b) as G.
  rewrite <- P in *. simpl in *. split.
  - intros [[I|I] LC]; [tauto|]. destruct (M I) as [->|?]; [tauto|congruence].
  - intros [[[I|[->|I]] LC]| ->]; try tauto; congruence.
Qed.
(* What is free afterwards is what was free before, but for the grant. *)
Theorem take_free : forall x, free_at h' x <-> free_at h x /\ ~ p <= x < p + n.
Proof.
  destruct (take_split _ _ _ _ _ _ _ _ H) as (u & b & v & E & _ & F & P & -> & _).
  pose proof (fits_bound _ _ _ _ F) as [L _]. pose proof (cut_inside least need align b align_1 need_least F) as I.
  pose proof (cut_free least least_1 need align b) as C. rewrite <- P in *. simpl in *. intros x.
  specialize (C x align_1 need_least F).
  assert (M : forall c, In c (u ++ v) -> In c h) by (intro c; rewrite E, !in_app_iff; simpl; tauto).
  assert (Mb : In b h) by (rewrite E, in_app_iff; simpl; auto).
  assert (D : forall c, In c (u ++ v) -> contains c x -> ~ contains b x \/ c = b).
  { intros c IC CC. destruct (Z_le_dec (at_ b) x); [destruct (Z_lt_dec x (stop b))|]; [right|left..];
    unfold contains in *; try lia. destruct H_ok as [O _].
    apply (ordered_disjoint least least_1 h 0 c b x O (M c IC) Mb CC). unfold contains. lia. }
  split.
  - intros (c & IC & LC & CC). rewrite in_split_mid in IC. destruct IC as [IC|IC].
    + destruct (D c IC CC) as [N|N].
      * split; [exists c; auto|unfold contains in N; lia].
      * exfalso. subst c. destruct H_ok as [O _]. rewrite E in O. clear - O IC least_1.
        revert O IC. generalize 0. induction u as [|d u IH]; simpl; intros lo (A & B & O) IC.
        -- pose proof (ordered_ge _ least_1 _ _ _ O IC). unfold stop in *. lia.
        -- destruct IC as [->|IC]; [|eauto]. assert (In b (u ++ b :: v)) as J by (rewrite in_app_iff; simpl; auto).
           pose proof (ordered_ge _ least_1 _ _ _ O J). unfold stop in *. lia.
    + destruct (proj1 C) as [C1 C2]; [exists c; auto|]. split; [|exact C2].
      exists b. auto.
  - intros [(c & IC & LC & CC) N]. rewrite E, in_app_iff in IC. simpl in IC.
    assert (c = b \/ In c (u ++ v)) as [->|J] by (rewrite in_app_iff; intuition).
    + destruct (proj2 C (conj CC N)) as (d & ID & LD & CD). exists d. rewrite in_split_mid. auto.
    + exists c. rewrite in_split_mid. auto.
Qed.
(* C3 *)
Theorem take_conserves : total h' = total h.
Proof.
  destruct (take_split _ _ _ _ _ _ _ _ H) as (u & b & v & -> & _ & F & _ & -> & _).
  rewrite !total_app, (cut_total least need align b F). simpl. lia.
Qed.
(* C7: giving back what was granted restores the heap, block by block. *)
Theorem release_take : release h' p = Some h.
Proof.
  destruct (take_split _ _ _ _ _ _ _ _ H) as (u & b & v & -> & _ & F & P & -> & _).
  destruct H_ok as [O A]. pose proof (cut_inside least need align b align_1 need_least F) as I.
  pose proof (fun A' => release_cut least need align b v align_1 need_least least_3 F A') as R.
  rewrite <- P in *. clear P H H_ok. revert O A.
  assert (K : forall lo, ordered least lo (u ++ b :: v) -> apart (u ++ b :: v) ->
              release (u ++ snd (cut least need align b) ++ v) p = Some (u ++ b :: v)); [|apply K].
  cbn [fst snd] in I, R. induction u as [|c u IH]; cbn [release app ordered apart]; intros lo O A; [exact (R A)|].
  destruct O as (O1 & O2 & O3). assert (In b (u ++ b :: v)) as J by (rewrite in_app_iff; simpl; auto).
  pose proof (ordered_ge _ least_1 _ _ _ O3 J). replace (at_ c =? p) with false by (symmetry; apply Z.eqb_neq; unfold stop in *; lia).
  destruct A as [A1 A2]. rewrite (IH _ O3 A2). f_equal. apply join_none. unfold heads. destruct (u ++ b :: v); trivial.
Qed.
End Take.

(* C4 ----------------------------------------------------------------------------------------------------------- *)
Lemma touching_free h : forall lo b c, ordered least lo h -> apart h -> In b h -> In c h ->
  live b = false -> live c = false -> stop b = at_ c -> False.
Proof.
  induction h as [|d t IH]; simpl; intros lo b c O A IB IC LB LC T; [contradiction|].
  destruct O as (O1 & O2 & O3), A as [A1 A2].
  destruct IB as [->|IB], IC as [->|IC]; [unfold stop in *; lia| | |eauto].
  - destruct t as [|d t]; [contradiction|]. destruct O3 as (P1 & P2 & P3). destruct IC as [->|IC].
    + unfold joins in A1. rewrite LB, LC, T, Z.eqb_refl in A1. discriminate.
    + pose proof (ordered_ge _ least_1 _ _ _ P3 IC). unfold stop in *. lia.
  - pose proof (ordered_ge _ least_1 _ _ _ O3 IB). unfold stop in *. lia.
Qed.
(* Maximal coalescing: a run of free granules lies in one free block. *)
Lemma run_in_block h p n : ok h -> 1 <= n -> free_run h p n ->
  exists b, In b h /\ live b = false /\ at_ b <= p /\ p + n <= stop b.
Proof.
  intros [O A] N R. destruct (R p ltac:(lia)) as (b & IB & LB & CB). exists b. unfold contains in CB.
  destruct (Z_le_dec (p + n) (stop b)); [intuition lia|exfalso].
  destruct (R (stop b) ltac:(lia)) as (c & IC & LC & CC).
  destruct (Z.eq_dec (at_ c) (stop b)) as [E|E]; [symmetry in E; exact (touching_free h 0 b c O A IB IC LB LC E)|].
  assert (b = c); [|subst; unfold contains in CC; lia].
  pose proof (ordered_ge _ least_1 _ _ _ O IB). unfold contains in CC.
  apply (ordered_disjoint least least_1 h 0 b c (stop b - 1) O IB IC); unfold contains, stop in *; lia.
Qed.
Lemma placeable_fits h need align : ok h -> 1 <= align -> least <= need ->
  (exists b, In b h /\ fits need align b = true) <-> (exists p, placeable h need align p).
Proof.
  intros K HA HN. split.
  - intros (b & IB & F). apply fits_bound in F. destruct F as [L F].
    destruct (gap_spec least align (at_ b) HA least_3) as [G1 G2]. pose proof (gap_nonneg least align (at_ b) HA).
    exists (at_ b + gap least align (at_ b)). split; [exact G1|]. split.
    + intros x X. exists b. unfold contains, stop. intuition lia.
    + destruct G2 as [G2|G2]; [left|right].
      * rewrite G2, Z.add_0_r. intros (c & IC & LC & CC). destruct K as [O A]. unfold contains in CC.
        destruct (Z.eq_dec (stop c) (at_ b)) as [E|E]; [exact (touching_free h 0 c b O A IC IB LC L E)|].
        assert (b = c); [|subst; lia]. pose proof (ordered_ge _ least_1 _ _ _ O IB).
        apply (ordered_disjoint least least_1 h 0 b c (at_ b) O IB IC); unfold contains, stop in *; lia.
      * intros x X. exists b. unfold contains, stop. intuition lia.
  - intros (p & PA & PR & PG).
    assert (exists b, In b h /\ live b = false /\ at_ b <= p /\ p + need <= stop b /\ (p = at_ b \/ at_ b + least <= p)) as
      (b & IB & LB & B1 & B2 & B3).
    { destruct PG as [PG|PG].
      - destruct (run_in_block h p need K ltac:(lia) PR) as (b & IB & LB & B1 & B2). exists b. repeat split; trivial.
        left. destruct (Z.eq_dec p (at_ b)); trivial. exfalso. apply PG. exists b. unfold contains. intuition lia.
      - destruct (run_in_block h (p - least) (least + need) K ltac:(lia)) as (b & IB & LB & B1 & B2).
        + intros x X. destruct (Z_lt_dec x p); [apply PG | apply PR]; lia.
        + exists b. intuition lia. }
    exists b. split; trivial. unfold Heap.fits. rewrite LB. simpl. apply Z.leb_le.
    pose proof (gap_least least least_1 align (at_ b) p HA B1 PA B3). unfold stop in *. lia.
Qed.
Lemma take_fits h b need align : ok h -> In b h -> fits need align b = true -> take h (at_ b) need align <> None.
Proof.
  intros [O _] IB F. revert O IB. generalize 0. induction h as [|c t IH]; simpl; intros lo O IB; [contradiction|].
  destruct O as (O1 & O2 & O3). destruct IB as [->|IB].
  - rewrite Z.eqb_refl, F. discriminate.
  - pose proof (ordered_ge _ least_1 _ _ _ O3 IB). replace (at_ c =? at_ b) with false by (symmetry; apply Z.eqb_neq; unfold stop in *; lia).
    specialize (IH _ O3 IB). destruct (take t (at_ b) need align) as [((?, ?), ?)|]; [discriminate|tauto].
Qed.
(* C4: granted if and only if there is a place for an aligned run of that many free granules. *)
Theorem allocate_complete f h need align : sound f -> complete f -> ok h -> 1 <= align -> least <= need ->
  allocate f h need align <> None <-> exists p, placeable h need align p.
Proof.
  intros S C K HA HN. rewrite <- (placeable_fits h need align K HA HN). unfold allocate. split.
  - destruct (f need align h) as [s|] eqn:E; [|tauto]. intros _. destruct (S _ _ _ _ E) as (b & IB & _ & F). eauto.
  - intros (b & IB & F). pose proof (C _ _ _ _ IB F). destruct (f need align h) as [s|] eqn:E; [|tauto].
    destruct (S _ _ _ _ E) as (c & IC & <- & FC). apply take_fits; trivial.
Qed.
(* The rule on leftovers is void where the least block is one granule (best_fit, tlsf). *)
Theorem allocate_complete_1 f h need align : least = 1 -> sound f -> complete f -> ok h -> 1 <= align -> 1 <= need ->
  allocate f h need align <> None <-> exists p, p mod align = 0 /\ free_run h p need.
Proof.
  intros L S C K HA HN. rewrite (allocate_complete f h need align) by (trivial; lia). unfold placeable. rewrite L.
  split; [intros (p & A & B & _); eauto|]. intros (p & A & B). exists p. split; [exact A|]. split; [exact B|].
  assert (free_at h (p - 1) \/ ~ free_at h (p - 1)) as [D|D].
  { clear. unfold free_at. induction h as [|b t IH]; [right; intros (? & [] & _)|].
    destruct IH as [(c & I & Q)|N]; [left; exists c; simpl; auto|].
    destruct (live b) eqn:LB; [right; intros (c & [<-|I] & Q & R); [congruence|apply N; eauto]|].
    destruct (Z_le_dec (at_ b) (p - 1)); [destruct (Z_lt_dec (p - 1) (stop b))|].
    - left. exists b. unfold contains. simpl. auto.
    - right. intros (c & [<-|I] & Q & R); [unfold contains in R; lia|apply N; eauto].
    - right. intros (c & [<-|I] & Q & R); [unfold contains in R; lia|apply N; eauto]. }
  - right. intros x X. replace x with (p - 1) by lia. exact D.
  - left. exact D.
Qed.
(* C8: on one heap, which policy chooses does not change what is granted and what is refused. *)
Theorem allocate_independent f g h need align : sound f -> complete f -> sound g -> complete g -> ok h -> 1 <= align ->
  least <= need -> allocate f h need align <> None <-> allocate g h need align <> None.
Proof. intros. rewrite !allocate_complete by trivial. reflexivity. Qed.
End Laws.
