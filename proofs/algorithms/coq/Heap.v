(* Heap.v - the skeleton of strategy/free_list.hpp: find a free block, cut an aligned run out of it, coalesce on return.

   Addresses and sizes are counted in granules of 16 bytes. A heap is the list of its blocks in order of address;
   blocks of one region touch, those of different regions do not (a header stands between). `least` is the least block
   of the policy: 1 granule, or 3 where a node does not fit into one. A request is what free_list makes of a layout:
   `need` granules, at a multiple of `align` granules. *)
From Coq Require Import ZArith List Bool Lia.
Import ListNotations.
Open Scope Z_scope.

Record blk := Blk { at_ : Z; len : Z; live : bool }.
Definition stop (b : blk) : Z := at_ b + len b.
Definition heap := list blk.

(* May two neighbours be one block? *)
Definition joins (a b : blk) : bool := negb (live a) && negb (live b) && (stop a =? at_ b).
Definition join (a : blk) (h : heap) : heap :=
  match h with
  | b :: t => if joins a b then Blk (at_ a) (len a + len b) false :: t else a :: h
  | [] => [a]
  end.

(* deallocate, when the address alone is told; release_as is told the layout too. *)
Fixpoint release (h : heap) (p : Z) : option heap :=
  match h with
  | [] => None
  | b :: t =>
      if at_ b =? p then (if live b then Some (join (Blk p (len b) false) t) else None)
      else match release t p with Some t' => Some (join b t') | None => None end
  end.

Definition contains (b : blk) (x : Z) : Prop := at_ b <= x < stop b.
Definition free_at (h : heap) (x : Z) : Prop := exists b, In b h /\ live b = false /\ contains b x.
Definition live_at (h : heap) (x : Z) : Prop := exists b, In b h /\ live b = true /\ contains b x.
Definition free_run (h : heap) (p n : Z) : Prop := forall x, p <= x < p + n -> free_at h x.
Definition total (h : heap) : Z := fold_right (fun b s => len b + s) 0 h.
Definition shift (d : Z) (h : heap) : heap := map (fun b => Blk (at_ b + d) (len b) (live b)) h.

Section Least.
Variable least : Z.

(* free_list.I1: in order, disjoint, none shorter than the least block. *)
Fixpoint ordered (lo : Z) (h : heap) : Prop :=
  match h with
  | [] => True
  | b :: t => lo <= at_ b /\ least <= len b /\ ordered (stop b) t
  end.
(* free_list.I2: no two neighbouring blocks are free. *)
Fixpoint apart (h : heap) : Prop :=
  match h with
  | a :: t => match t with b :: _ => joins a b = false | [] => True end /\ apart t
  | [] => True
  end.
Definition ok (h : heap) : Prop := ordered 0 h /\ apart h.

(* fit_request::gap and fits *)
Definition gap (align p : Z) : Z :=
  let n := (- p) mod align in
  if (n =? 0) || (least <=? n) then n else n + align.
Definition fits (need align : Z) (b : blk) : bool :=
  negb (live b) && (gap align (at_ b) + need <=? len b).

(* free_list::take and cut: a leftover in front is a block, one behind that is too short is granted along. *)
Definition cut (need align : Z) (b : blk) : Z * Z * heap :=
  let g := gap align (at_ b) in
  let rest := len b - g - need in
  let granted := if rest <? least then need + rest else need in
  (at_ b + g, granted,
   (if g =? 0 then [] else [Blk (at_ b) g false]) ++
   Blk (at_ b + g) granted true ::
   (if rest <? least then [] else [Blk (at_ b + g + need) rest false])).
Arguments cut : simpl never.
Arguments gap : simpl never.
Fixpoint take (h : heap) (s need align : Z) : option (Z * Z * heap) :=
  match h with
  | [] => None
  | b :: t =>
      if at_ b =? s then
        if fits need align b then
          match cut need align b with (p, n, bs) => Some (p, n, bs ++ t) end
        else None
      else match take t s need align with Some (p, n, t') => Some (p, n, b :: t') | None => None end
  end.
(* deallocate as free_list's is_live lets it through: the block must be what the layout would have been granted. *)
Definition live_as (p need align : Z) (b : blk) : bool :=
  (at_ b =? p) && live b && (need <=? len b) && (len b - need <? least) && (p mod align =? 0).
Definition release_as (h : heap) (p need align : Z) : option heap :=
  if existsb (live_as p need align) h then release h p else None.

Hypothesis least_1 : 1 <= least.

Lemma ordered_weaken h : forall lo lo', lo' <= lo -> ordered lo h -> ordered lo' h.
Proof. destruct h as [|b t]; simpl; intros; [trivial | intuition lia]. Qed.
Lemma ordered_ge h : forall lo b, ordered lo h -> In b h -> lo <= at_ b /\ least <= len b.
Proof.
  induction h as [|c t IH]; simpl; intros lo b H HI; [contradiction|].
  destruct H as (A & B & C). destruct HI as [->|HI]; [lia|].
  specialize (IH _ _ C HI). unfold stop in IH. lia.
Qed.
Lemma ordered_no h : forall lo x b, ordered lo h -> x < lo -> In b h -> ~ contains b x.
Proof. intros lo x b H L HI. pose proof (ordered_ge _ _ _ H HI). unfold contains. lia. Qed.
(* C1: an ordered heap's blocks are disjoint. *)
Lemma ordered_disjoint h : forall lo a b x, ordered lo h -> In a h -> In b h -> contains a x -> contains b x -> a = b.
Proof.
  induction h as [|c t IH]; simpl; intros lo a b x H HA HB CA CB; [contradiction|].
  destruct H as (A & B & C).
  destruct HA as [->|HA], HB as [->|HB]; trivial.
  - exfalso. pose proof (ordered_ge _ _ _ C HB). unfold contains, stop in *. lia.
  - exfalso. pose proof (ordered_ge _ _ _ C HA). unfold contains, stop in *. lia.
  - eauto.
Qed.
Lemma not_both h x : ok h -> free_at h x -> live_at h x -> False.
Proof.
  intros [O _] (a & HA & FA & CA) (b & HB & LB & CB).
  assert (a = b) by (eapply ordered_disjoint; eauto). congruence.
Qed.

(* The gap: aligned, a whole block or nothing, and no nearer place would do. *)
Lemma gap_spec align p : 1 <= align -> least <= 3 ->
  (p + gap align p) mod align = 0 /\ (gap align p = 0 \/ least <= gap align p).
Proof.
  intros HA HL. unfold gap.
  pose proof (Z.mod_pos_bound (- p) align ltac:(lia)) as B.
  assert (E : (p + (- p) mod align) mod align = 0).
  { rewrite Z.add_mod_idemp_r by lia. replace (p + - p) with 0 by lia. apply Z.mod_0_l; lia. }
  destruct ((- p) mod align =? 0) eqn:Z0; simpl; [rewrite Z.eqb_eq in Z0; split; [exact E | lia]|].
  apply Z.eqb_neq in Z0.
  destruct (least <=? (- p) mod align) eqn:L0; [apply Z.leb_le in L0; split; [exact E | lia]|].
  apply Z.leb_gt in L0. split.
  - rewrite Z.add_assoc. rewrite <- Z.add_mod_idemp_r, Z.mod_same, Z.add_0_r by lia. exact E.
  - right. lia.
Qed.
Lemma gap_nonneg align p : 1 <= align -> 0 <= gap align p.
Proof.
  intros. unfold gap. pose proof (Z.mod_pos_bound (- p) align ltac:(lia)).
  destruct (_ || _); lia.
Qed.
Lemma gap_least align p q : 1 <= align -> p <= q -> q mod align = 0 -> q = p \/ p + least <= q -> p + gap align p <= q.
Proof.
  intros HA PQ HQ R. unfold gap.
  pose proof (Z.mod_pos_bound (- p) align ltac:(lia)) as B.
  assert (D : exists k, q - p = (- p) mod align + align * k /\ 0 <= k).
  { exists (q / align + (- p) / align).
    pose proof (Z.div_mod q align ltac:(lia)). pose proof (Z.div_mod (- p) align ltac:(lia)).
    assert (q - p = (- p) mod align + align * (q / align + (- p) / align)) by lia.
    split; [assumption|]. nia. }
  destruct D as (k & D & K).
  destruct (((- p) mod align =? 0) || (least <=? (- p) mod align)) eqn:C; [nia|].
  apply orb_false_iff in C. destruct C as [C1 C2]. apply Z.eqb_neq in C1. apply Z.leb_gt in C2.
  assert (k <> 0) by (intro; subst k; lia). nia.
Qed.

Lemma take_split h : forall s need align p n h',
  take h s need align = Some (p, n, h') ->
  exists u b v, h = u ++ b :: v /\ at_ b = s /\ fits need align b = true /\
    (p, n) = fst (cut need align b) /\ h' = u ++ snd (cut need align b) ++ v /\ (forall c, In c u -> at_ c <> s).
Proof.
  induction h as [|b t IH]; simpl; intros s need align p n h' H; [discriminate|].
  destruct (at_ b =? s) eqn:E.
  - apply Z.eqb_eq in E. destruct (fits need align b) eqn:F; [|discriminate].
    injection H as <- <- <-. exists [], b, t. repeat split; trivial. intros c [].
  - apply Z.eqb_neq in E. destruct (take t s need align) as [((p0, n0), t')|] eqn:T; [|discriminate].
    inversion H; subst; clear H. destruct (IH _ _ _ _ _ _ T) as (u & c & v & -> & A & F & P & -> & N).
    exists (b :: u), c, v. simpl. repeat split; trivial. intros d [<-|HD]; auto.
Qed.
Lemma fits_bound need align b : fits need align b = true -> live b = false /\ gap align (at_ b) + need <= len b.
Proof. unfold fits. rewrite andb_true_iff, negb_true_iff, Z.leb_le. tauto. Qed.


(* Replacing a free block by what `cut` makes of it keeps order and separation. *)
Lemma cut_ordered need align b v : 1 <= align -> least <= need -> least <= 3 -> fits need align b = true ->
  forall u lo, ordered lo (u ++ b :: v) -> ordered lo (u ++ snd (cut need align b) ++ v).
Proof.
  intros HA HN HL F. apply fits_bound in F. destruct F as [_ F].
  pose proof (gap_nonneg align (at_ b) HA) as G0. destruct (gap_spec align (at_ b) HA HL) as [_ G].
  induction u as [|c u IH]; intros lo; simpl.
  - intros (A & B & C). unfold cut, stop in *.
    destruct (gap align (at_ b) =? 0) eqn:E; [apply Z.eqb_eq in E | apply Z.eqb_neq in E];
    destruct (len b - gap align (at_ b) - need <? least) eqn:R; [apply Z.ltb_lt in R | apply Z.ltb_ge in R | apply Z.ltb_lt in R | apply Z.ltb_ge in R];
    simpl; unfold stop; simpl; repeat split; try lia; (eapply ordered_weaken; [|exact C]); lia.
  - intros (A & B & C). auto.
Qed.
Definition heads (c : blk) (h : heap) : Prop := match h with b :: _ => joins c b = false | [] => True end.
Lemma apart_cons a h : apart (a :: h) <-> heads a h /\ apart h.
Proof. reflexivity. Qed.
Lemma cut_apart need align b v : fits need align b = true ->
  forall u, apart (u ++ b :: v) -> apart (u ++ snd (cut need align b) ++ v).
Proof.
  intros F. apply fits_bound in F. destruct F as [L F].
  assert (Base : apart (b :: v) -> apart (snd (cut need align b) ++ v)).
  { rewrite apart_cons. intros [H A]. unfold cut.
    destruct (gap align (at_ b) =? 0); destruct (len b - gap align (at_ b) - need <? least); simpl;
    repeat split; trivial; try (destruct v; trivial; reflexivity); try reflexivity;
    try (unfold heads in H; destruct v as [|d v]; trivial; unfold joins, stop in *; simpl; rewrite <- H, L;
         f_equal; f_equal; lia). }
  assert (Hd : forall c, heads c (b :: v) -> heads c (snd (cut need align b) ++ v)).
  { intros c. unfold cut. destruct (gap align (at_ b) =? 0); simpl; unfold joins; simpl; [intros _|rewrite L; trivial].
    rewrite andb_false_r. reflexivity. }
  induction u as [|c u IH]; simpl app; trivial. rewrite !apart_cons. intros [H A]. split; auto.
  destruct u; simpl app in *; auto.
Qed.

Lemma cut_members need align b c : live b = false ->
  In c (snd (cut need align b)) ->
  c = Blk (fst (fst (cut need align b))) (snd (fst (cut need align b))) true \/ live c = false.
Proof.
  intros L. unfold cut. simpl.
  destruct (gap align (at_ b) =? 0); destruct (len b - gap align (at_ b) - need <? least); simpl;
  intros H; repeat (destruct H as [<-|H]; auto); contradiction.
Qed.
Lemma cut_grants need align b : In (Blk (fst (fst (cut need align b))) (snd (fst (cut need align b))) true) (snd (cut need align b)).
Proof. unfold cut. simpl. apply in_or_app. right. left. reflexivity. Qed.
Lemma cut_size need align b : fits need align b = true -> least <= need ->
  need <= snd (fst (cut need align b)) < need + least.
Proof.
  intros F. apply fits_bound in F. unfold cut. simpl.
  destruct (len b - gap align (at_ b) - need <? least) eqn:R; [apply Z.ltb_lt in R | apply Z.ltb_ge in R]; lia.
Qed.
Lemma cut_inside need align b : 1 <= align -> least <= need -> fits need align b = true ->
  at_ b <= fst (fst (cut need align b)) /\ fst (fst (cut need align b)) + snd (fst (cut need align b)) <= stop b.
Proof.
  intros HA HN F. apply fits_bound in F. pose proof (gap_nonneg align (at_ b) HA). unfold cut, stop. simpl.
  destruct (len b - gap align (at_ b) - need <? least) eqn:R; [apply Z.ltb_lt in R | apply Z.ltb_ge in R]; lia.
Qed.
(* What of a block is free after the cut: all but what was granted. *)
Lemma cut_free need align b x : 1 <= align -> least <= need -> fits need align b = true ->
  (exists c, In c (snd (cut need align b)) /\ live c = false /\ contains c x) <->
  contains b x /\ ~ fst (fst (cut need align b)) <= x < fst (fst (cut need align b)) + snd (fst (cut need align b)).
Proof.
  intros HA HN F. apply fits_bound in F. destruct F as [L F]. pose proof (gap_nonneg align (at_ b) HA).
  unfold cut, contains, stop. simpl.
  destruct (gap align (at_ b) =? 0) eqn:E; [apply Z.eqb_eq in E | apply Z.eqb_neq in E];
  destruct (len b - gap align (at_ b) - need <? least) eqn:R; [apply Z.ltb_lt in R | apply Z.ltb_ge in R | apply Z.ltb_lt in R | apply Z.ltb_ge in R];
  simpl; (split;
  [intros (c & [<-|HI] & LC & CC); simpl in *; try discriminate; try lia;
   repeat (destruct HI as [<-|HI]; simpl in *; try discriminate; try lia); try contradiction
  |intros [C1 C2]]).
  - exfalso. lia.
  - exists (Blk (at_ b + gap align (at_ b) + need) (len b - gap align (at_ b) - need) false). simpl. intuition lia.
  - exists (Blk (at_ b) (gap align (at_ b)) false). simpl. intuition lia.
  - destruct (Z_lt_ge_dec x (at_ b + gap align (at_ b))).
    + exists (Blk (at_ b) (gap align (at_ b)) false). simpl. intuition lia.
    + exists (Blk (at_ b + gap align (at_ b) + need) (len b - gap align (at_ b) - need) false). simpl. intuition lia.
Qed.

Lemma total_app u v : total (u ++ v) = total u + total v.
Proof. induction u; simpl; lia. Qed.
Lemma cut_total need align b : fits need align b = true -> total (snd (cut need align b)) = len b.
Proof.
  intros F. apply fits_bound in F. unfold cut. simpl.
  destruct (gap align (at_ b) =? 0) eqn:E; [apply Z.eqb_eq in E | apply Z.eqb_neq in E];
  destruct (len b - gap align (at_ b) - need <? least); simpl; lia.
Qed.

(* release undoes take, whatever was taken. *)
Lemma join_none b h : heads b h -> join b h = b :: h.
Proof. destruct h; simpl; trivial. now intros ->. Qed.
Lemma release_cut need align b v : 1 <= align -> least <= need -> least <= 3 -> fits need align b = true ->
  apart (b :: v) -> release (snd (cut need align b) ++ v) (fst (fst (cut need align b))) = Some (b :: v).
Proof.
  intros HA HN HL F. apply fits_bound in F. destruct F as [L F].
  rewrite apart_cons. intros [Hd _]. pose proof (gap_nonneg align (at_ b) HA) as G0.
  destruct b as [a l q]. unfold cut, heads, joins, stop in *; simpl in *. subst q. simpl in Hd.
  destruct (gap align a =? 0) eqn:E; [apply Z.eqb_eq in E | apply Z.eqb_neq in E];
  destruct (l - gap align a - need <? least) eqn:R; simpl.
  - rewrite E, Z.eqb_refl. rewrite join_none.
    + do 3 f_equal; lia.
    + destruct v; simpl; trivial. unfold joins, stop; simpl. rewrite <- Hd. do 2 f_equal. lia.
  - rewrite E, Z.eqb_refl. unfold join, joins, stop; simpl.
    replace (a + 0 + need =? a + 0 + need) with true by (symmetry; apply Z.eqb_refl). simpl. do 3 f_equal; lia.
  - replace (a =? a + gap align a) with false by (symmetry; apply Z.eqb_neq; lia). rewrite Z.eqb_refl.
    rewrite (join_none _ v).
    + simpl. unfold joins, stop; simpl. rewrite Z.eqb_refl. do 3 f_equal; lia.
    + destruct v; simpl; trivial. unfold joins, stop; simpl. rewrite <- Hd. do 2 f_equal. lia.
  - replace (a =? a + gap align a) with false by (symmetry; apply Z.eqb_neq; lia). rewrite Z.eqb_refl.
    simpl. unfold joins, stop; simpl. rewrite Z.eqb_refl. simpl.
    unfold joins, stop; simpl. rewrite Z.eqb_refl. do 3 f_equal; lia.
Qed.
End Least.
Arguments cut : simpl never.
Arguments gap : simpl never.
