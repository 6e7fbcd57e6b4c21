(* Tlsf.v - the two-level index of strategy/tlsf.hpp: which class a size is in, and which class is searched.

   Sizes are counted in granules of 16 bytes. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Heap HeapLaws.
Import ListNotations.
Open Scope Z_scope.

(* doubling_of, class_of, searched_for *)
Definition doubling (g : Z) : Z := Z.log2 (Z.lor g 32) - 5.
Definition class_of (g : Z) : Z := doubling g * 32 + g / 2 ^ doubling g.
Definition longest (need align : Z) : Z := if align <=? 1 then need else need + align - 1.
Definition round_up (g : Z) : Z := let step := 2 ^ doubling g in (g + step - 1) / step * step.
Definition searched_for (need align : Z) : Z := round_up (longest need align).

(* find: the least class from the searched one on that has a block. *)
Definition better (c : Z) (found : option Z) : option Z :=
  match found with Some d => Some (Z.min c d) | None => Some c end.
Fixpoint found_class (c0 : Z) (h : heap) : option Z :=
  match h with
  | [] => None
  | b :: t => if negb (live b) && (c0 <=? class_of (len b)) then better (class_of (len b)) (found_class c0 t) else found_class c0 t
  end.
Definition tlsf_class (need align : Z) (h : heap) : option Z := found_class (class_of (searched_for need align)) h.
(* Any block of the class that was found will do: C++ takes the one freed last. *)
Definition tlsf_fit : policy := fun need align h =>
  match tlsf_class need align h with
  | Some c => option_map at_ (find (fun b => negb (live b) && (class_of (len b) =? c)) h)
  | None => None
  end.

Lemma doubling_spec g : 1 <= g -> 0 <= doubling g /\ 0 < 2 ^ doubling g /\ g < 64 * 2 ^ doubling g /\
  (doubling g = 0 \/ 32 * 2 ^ doubling g <= g).
Proof.
  intros G. unfold doubling. rewrite Z.log2_lor by lia. change (Z.log2 32) with 5.
  pose proof (Z.log2_nonneg g). pose proof (Z.log2_spec g ltac:(lia)) as [A B].
  assert (P : 0 <= Z.max (Z.log2 g) 5 - 5) by lia. pose proof (Z.pow_pos_nonneg 2 _ ltac:(lia) P). split; [lia|]. split; [lia|].
  destruct (Z_le_dec (Z.log2 g) 5) as [L|L].
  - rewrite Z.max_r by lia. change (5 - 5) with 0. split; [|auto].
    pose proof (Z.pow_le_mono_r 2 (Z.succ (Z.log2 g)) 6 ltac:(lia) ltac:(lia)). lia.
  - rewrite Z.max_l by lia. replace (Z.log2 g) with (5 + (Z.log2 g - 5)) in A, B by lia.
    rewrite Z.pow_add_r in A by lia. rewrite <- Z.add_succ_l, Z.pow_add_r in B by lia. lia.
Qed.
Lemma doubling_unique g d : 0 <= d -> 1 <= g -> g < 64 * 2 ^ d -> (d = 0 \/ 32 * 2 ^ d <= g) -> doubling g = d.
Proof.
  intros D G A B. destruct (doubling_spec g G) as (E & _ & F & H). destruct (Z.lt_trichotomy (doubling g) d) as [L|[L|L]]; trivial; exfalso.
  - pose proof (Z.pow_le_mono_r 2 (Z.succ (doubling g)) d ltac:(lia) ltac:(lia)) as P. rewrite Z.pow_succ_r in P by lia. lia.
  - pose proof (Z.pow_le_mono_r 2 (Z.succ d) (doubling g) ltac:(lia) ltac:(lia)) as P. rewrite Z.pow_succ_r in P by lia. lia.
Qed.
Lemma doubling_le a b : 1 <= a <= b -> doubling a <= doubling b.
Proof.
  intros H. unfold doubling. rewrite !Z.log2_lor by lia. pose proof (Z.log2_le_mono a b ltac:(lia)). lia.
Qed.
Lemma class_bounds g : 1 <= g -> let d := doubling g in 0 <= g / 2 ^ d < 64 /\ (d = 0 \/ 32 <= g / 2 ^ d).
Proof.
  intros G d. destruct (doubling_spec g G) as (A & B & C & D). fold d in A, B, C, D. split.
  - split; [apply Z.div_pos; lia|]. apply Z.div_lt_upper_bound; lia.
  - destruct D; [auto|right]. apply Z.div_le_lower_bound; lia.
Qed.
(* The mapping is monotone. *)
Theorem class_monotone a b : 1 <= a <= b -> class_of a <= class_of b.
Proof.
  intros H. unfold class_of. pose proof (doubling_le a b H). destruct (doubling_spec a ltac:(lia)) as (A0 & AP & _).
  pose proof (class_bounds a ltac:(lia)) as [[A1 A2] _]. pose proof (class_bounds b ltac:(lia)) as [_ B].
  destruct (Z.eq_dec (doubling a) (doubling b)) as [E|E].
  - rewrite <- E. pose proof (Z.div_le_mono a b (2 ^ doubling a) ltac:(lia) ltac:(lia)). lia.
  - destruct B; lia.
Qed.
(* A size at which a class begins is in a greater class than any smaller one. *)
Lemma class_strict b s : 1 <= b < s -> (2 ^ doubling s | s) -> class_of b < class_of s.
Proof.
  intros H [k K]. pose proof (doubling_le b s ltac:(lia)). unfold class_of.
  destruct (doubling_spec s ltac:(lia)) as (S0 & SP & _). pose proof (class_bounds s ltac:(lia)) as [[S1 S2] S3].
  pose proof (class_bounds b ltac:(lia)) as [[B1 B2] _].
  destruct (Z.eq_dec (doubling b) (doubling s)) as [E|E].
  - rewrite E. assert (s / 2 ^ doubling s = k) as -> by (rewrite K at 1; apply Z.div_mul; lia).
    assert (b / 2 ^ doubling s < k) by (apply Z.div_lt_upper_bound; lia). lia.
  - pose proof (doubling_spec b ltac:(lia)) as (? & _). destruct S3; lia.
Qed.
Lemma round_up_spec g : 1 <= g -> g <= round_up g /\ round_up g < g + 2 ^ doubling g /\ (2 ^ doubling (round_up g) | round_up g).
Proof.
  intros G. destruct (doubling_spec g G) as (A & B & C & D). unfold round_up. set (step := 2 ^ doubling g) in *.
  pose proof (Z.div_mod (g + step - 1) step ltac:(lia)). pose proof (Z.mod_pos_bound (g + step - 1) step ltac:(lia)).
  set (k := (g + step - 1) / step) in *. assert (L : g <= k * step) by lia. assert (U : k * step < g + step) by lia.
  split; [lia|]. split; [lia|]. assert (K : k <= 64) by (apply Z.lt_succ_r; apply (Z.mul_lt_mono_pos_r step); lia).
  destruct (Z.eq_dec k 64) as [E|E].
  - rewrite E. assert (P : 2 ^ (doubling g + 1) = 2 * step) by (rewrite Z.add_1_r, Z.pow_succ_r by lia; reflexivity).
    replace (doubling (64 * step)) with (doubling g + 1).
    + exists 32. rewrite P. lia.
    + symmetry. apply doubling_unique; try rewrite P; lia.
  - replace (doubling (k * step)) with (doubling g).
    + exists k. reflexivity.
    + symmetry. assert (k + 1 <= 64) by lia. assert ((k + 1) * step <= 64 * step) by (apply Z.mul_le_mono_nonneg_r; lia).
      apply doubling_unique; fold step; lia.
Qed.
(* At most a 32nd more is searched for than is needed, and not even one granule more below 512 bytes. *)
Theorem searched_near g : 1 <= g -> g <= round_up g /\ (g < 64 -> round_up g = g) /\ 32 * (round_up g - g) < g + 32.
Proof.
  intros G. destruct (round_up_spec g G) as (A & B & _). destruct (doubling_spec g G) as (C & D & E & F). split; [trivial|]. split.
  - intros L. assert (doubling g = 0) as Z0 by (apply doubling_unique; simpl; lia). rewrite Z0 in B. simpl in B. lia.
  - destruct F as [F|F]; [rewrite F in B; simpl in B|]; lia.
Qed.
(* The searched class guarantees fit, and misses no block as long as what is searched for. *)
Theorem searched_exact g b : 1 <= g -> 1 <= b -> class_of (round_up g) <= class_of b <-> round_up g <= b.
Proof.
  intros G B. destruct (round_up_spec g G) as (A & _ & D). split.
  - intros C. destruct (Z_le_dec (round_up g) b); trivial. pose proof (class_strict b (round_up g) ltac:(lia) D). lia.
  - intros L. apply class_monotone. lia.
Qed.

Lemma found_class_spec c0 h : match found_class c0 h with
  | Some c => c0 <= c /\ (exists b, In b h /\ live b = false /\ class_of (len b) = c) /\
              forall b, In b h -> live b = false -> c0 <= class_of (len b) -> c <= class_of (len b)
  | None => forall b, In b h -> live b = false -> class_of (len b) < c0
  end.
Proof.
  induction h as [|b t IH]; simpl; [tauto|]. destruct (negb (live b) && (c0 <=? class_of (len b))) eqn:E.
  - rewrite andb_true_iff, negb_true_iff, Z.leb_le in E. destruct E as [L C]. unfold better. destruct (found_class c0 t) as [d|].
    + destruct IH as (I1 & (x & I2 & I3 & I4) & I5). split; [lia|]. split.
      * destruct (Z.min_spec (class_of (len b)) d) as [[_ ->]|[_ ->]]; [exists b; auto|exists x; auto].
      * intros y [<-|Y] LY CY; [lia|]. specialize (I5 y Y LY CY). lia.
    + split; [lia|]. split; [exists b; auto|]. intros y [<-|Y] LY CY; [lia|]. specialize (IH y Y LY). lia.
  - assert (N : live b = false -> class_of (len b) < c0).
    { intros L. rewrite L in E. simpl in E. apply Z.leb_gt in E. exact E. }
    destruct (found_class c0 t) as [d|].
    + destruct IH as (I1 & (x & I2 & I3 & I4) & I5). split; trivial. split; [exists x; auto|].
      intros y [<-|Y] LY CY; [specialize (N LY); lia|auto].
    + intros y [<-|Y] LY; auto.
Qed.

Section Policy.
Variables (need align : Z) (h : heap).
Hypothesis K : Heap.ok 1 h.
Hypothesis need_1 : 1 <= need.
Hypothesis align_1 : 1 <= align.
Lemma longest_1 : 1 <= longest need align.
Proof. unfold longest. destruct (align <=? 1) eqn:E; [lia|]. apply Z.leb_gt in E. lia. Qed.
(* Every block of the class that is found holds an aligned run: C1 for each choice among them. *)
Theorem tlsf_fits c b : tlsf_class need align h = Some c -> In b h -> live b = false -> class_of (len b) = c ->
  fits 1 need align b = true.
Proof.
  intros T I L C. pose proof (found_class_spec (class_of (searched_for need align)) h) as S. unfold tlsf_class in T. rewrite T in S.
  destruct S as (S & _). unfold searched_for in S. rewrite <- C in S. destruct K as [O _].
  pose proof (ordered_ge 1 ltac:(lia) _ _ _ O I) as [_ B].
  apply searched_exact in S; [|apply longest_1|lia]. pose proof (searched_near _ longest_1) as [N _].
  unfold fits. rewrite L. simpl. apply Z.leb_le. unfold longest in *.
  assert (gap 1 align (at_ b) <= align - 1).
  { unfold gap. pose proof (Z.mod_pos_bound (- at_ b) align ltac:(lia)). destruct ((_ =? 0) || (1 <=? _)) eqn:E; [lia|].
    apply orb_false_iff in E. rewrite Z.eqb_neq, Z.leb_gt in E. lia. }
  destruct (align <=? 1) eqn:E; [apply Z.leb_le in E|apply Z.leb_gt in E]; lia.
Qed.
(* C4, as docs/semantics.md states it: refused if and only if no free block, so no run of free granules, is that long. *)
Theorem tlsf_refuses : tlsf_class need align h = None <-> ~ exists p, free_run h p (searched_for need align).
Proof.
  pose proof (found_class_spec (class_of (searched_for need align)) h) as S. unfold tlsf_class. destruct K as [O A].
  pose proof longest_1 as L1. destruct (searched_near _ L1) as [N _]. fold (searched_for need align) in N. split.
  - intros E. rewrite E in S. intros (p & R).
    destruct (run_in_block 1 ltac:(lia) h p (searched_for need align) (conj O A) ltac:(lia) R) as (b & I & L & B1 & B2).
    specialize (S b I L). pose proof (class_monotone (searched_for need align) (len b) ltac:(unfold stop in *; lia)). lia.
  - intros E. destruct (found_class _ h) as [c|]; trivial. exfalso. apply E. destruct S as (S & (b & I & L & C) & _).
    rewrite <- C in S. pose proof (ordered_ge 1 ltac:(lia) _ _ _ O I) as [_ B]. apply searched_exact in S; trivial.
    exists (at_ b). intros x X. exists b. unfold contains, stop, searched_for in *. intuition lia.
Qed.
Theorem tlsf_sound s : tlsf_fit need align h = Some s -> exists b, In b h /\ at_ b = s /\ fits 1 need align b = true.
Proof.
  unfold tlsf_fit. destruct (tlsf_class need align h) as [c|] eqn:T; [|discriminate].
  destruct (find _ h) as [b|] eqn:F; [|discriminate]. intros [= <-]. apply find_some in F.
  rewrite andb_true_iff, negb_true_iff, Z.eqb_eq in F. destruct F as (I & L & C). exists b. split; trivial. split; trivial.
  eapply tlsf_fits; eauto.
Qed.
Theorem tlsf_complete : tlsf_fit need align h = None <-> tlsf_class need align h = None.
Proof.
  unfold tlsf_fit. pose proof (found_class_spec (class_of (searched_for need align)) h) as S. unfold tlsf_class in *.
  destruct (found_class _ h) as [c|]; [|tauto]. split; [|discriminate]. intros E. exfalso.
  destruct S as (_ & (b & I & L & C) & _). destruct (find _ h) eqn:F; [discriminate|].
  pose proof (find_none _ _ F b I) as N. simpl in N. rewrite L, C, Z.eqb_refl in N. discriminate.
Qed.
End Policy.
